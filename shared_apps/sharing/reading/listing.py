"""The list of what is visible here, as the lists of the API are read: pages, totals, files.

In the order of keys and without conditions, a page comes from the index of grants, merged with the
namespace's own rows; then only the homes on the page are read. Otherwise every home that shares rows is
asked, at most so many in one statement as ``SCHEMAS_PER_STATEMENT`` says, and what the statements find is
merged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from shared_apps.sharing.reading.filling import Read, filled, read_homes
from shared_apps.sharing.reading.merging import merged
from shared_apps.sharing.reading.restricting import for_others
from smartmodels.conf import settings
from smartmodels.querysets import without_service_owners
from smartmodels.rest.filtering.embedding import with_joins
from smartmodels.rest.lists import (
    Found,
    Listing,
    Position,
    Window,
    as_keys,
    found_in,
    reading_of,
    total_of,
    turned_round,
)
from smartmodels.sharing import (
    Home,
    Shown,
    chunks_of,
    granted_rows,
    homes_of,
    shared_rows,
    shown_grants,
    shown_of,
)

__all__ = ["VisibleReading", "VisibleRows"]


class VisibleRows(Listing):
    """The rows that a view's request selects: ``own`` ones (None where they are left out) and shared ones."""

    def __init__(self, view: Any, selection: Any, own: Any) -> None:
        self.model, self._view, self._own = view.model, for_others(view), own
        self._selection = selection
        self._homes: dict[Shown, Any] = {}
        self._nothing_shared = False
        self._unread: set[str] = set()

    @property
    def unread(self) -> list[str]:
        """Return the slugs of homes whose rows were left out, since nobody can judge them now."""
        return sorted(self._unread)

    # Pages

    def find(self, window: Window, wanted: int, read: Any) -> list[Found]:
        """Return the first rows of the window."""
        begun = self._begun(window)
        if begun is None:
            return []
        places = self._places(begun, wanted, read)
        shown, more = places[: window.limit], places[window.limit :]
        on_page = {each: self._homes[each] for each in shown if isinstance(each, Shown)}
        found = filled(shown, homes_of(on_page), lambda homes: read(self._of(homes)))
        # What stands behind the page is only known to be there.
        return [*found, *(Found(None, each.key) for each in more)]

    def _begun(self, window: Window) -> Window | None:
        """Return the window from a position on, instead of so many rows to skip; None if there are less."""
        if not window.skip or window.position is not None:
            return window
        keys = as_keys(window.terms)

        def read(rows: Any) -> list[Found]:
            return [Found(None, tuple(key)) for key in rows.values_list(*keys)]

        skipped = self._places(replace(window, skip=0), window.skip, read)
        if len(skipped) < window.skip:
            return None
        return replace(window, skip=0, position=Position(skipped[-1].key))

    def _places(self, window: Window, wanted: int, read: Any) -> list[Found | Shown]:
        backwards = window.position is not None and window.position.backwards
        terms = turned_round(window.terms) if backwards else window.terms
        sources: list[Sequence[Found | Shown]] = []
        if self._own is not None:
            sources.append(found_in(self._own, window, wanted, read))
        if self._goes_by_keys:
            own = {each.key for source in sources for each in source}
            shown = self._shown(window, wanted, descending=terms[0].descending)
            sources.append([each for each in shown if each.key not in own])
        else:
            sources += self._read_all(lambda homes: found_in(self._of(homes), window, wanted, read))
        return merged(self.model, terms, sources)[:wanted]

    def _shown(self, window: Window, wanted: int, *, descending: bool) -> list[Shown]:
        """Return the next of the shared rows in the order of keys."""
        if self._nothing_shared:
            return []
        # A page of own rows has those that go before others: nothing has to be looked up for it.
        grants = shown_grants(self.model) if self._own is None else granted_rows(self.model)
        if window.position is not None:
            beyond = ("lt" if descending else "gt") + ("e" if window.position.inclusive else "")
            grants = grants.filter(**{f"row_id__{beyond}": window.position.values[0]})
        if descending:
            grants = grants.order_by("-row_id", "id")
        found = shown_of(grants[:wanted])
        self._nothing_shared = window.position is None and not found
        self._homes.update(found)
        return list(found)

    # Parts

    @cached_property
    def _goes_by_keys(self) -> bool:
        """Tell whether the index of grants knows which rows come next."""
        terms = self._selection.order
        asked = (self._selection.given or {}).get("where") or settings().HIDE_SERVICE_OWNERS
        return not asked and len(terms) == 1 and terms[0].source == self.model._meta.pk.name

    @cached_property
    def _lots(self) -> list[Sequence[Home]]:
        homes = homes_of(shown_of(shown_grants(self.model)))
        self._leave_out([each for each in homes if not each.is_readable])
        return chunks_of([each for each in homes if each.is_readable])

    def _leave_out(self, homes: Sequence[Home]) -> None:
        self._unread.update(each.namespace.slug for each in homes)

    def _read_all(self, read: Read) -> list[list[Found]]:
        """Return what is read of all homes, by parts; keep the names of those that cannot be read."""
        found = []
        for lot in self._lots:
            parts, unread = read_homes(lot, read)
            self._leave_out(unread)
            found += parts
        return found

    def _of(self, homes: Sequence[Home]) -> Any:
        rows = without_service_owners(shared_rows(self.model, homes))
        if not self._goes_by_keys:
            rows = rows.filter(self._selection.where)
        return with_joins(self._view, rows)

    # Totals

    def total(self, kind: str) -> int:
        """Return how many rows there are; what others share is counted exactly where that takes no read."""
        own: int = 0 if self._own is None else total_of(self._own, kind)
        if self._goes_by_keys:
            return own if self._nothing_shared else own + shown_grants(self.model).count()
        parts = self._read_all(lambda homes: [Found(total_of(self._of(homes), kind), ())])
        return own + sum(int(found.row) for part in parts for found in part)


class VisibleReading:
    """Own rows as their view shows them, and those of others as it shows these."""

    def __init__(self, view: Any, selection: Any, *, written: bool) -> None:
        views = (view, for_others(view))
        own, shared = (reading_of(each, view.model, selection, written=written) for each in views)
        if own.is_text is not shared.is_text:
            own, shared = (reading_of(each, view.model, selection, written=False) for each in views)
        self._own, self._shared, self.is_text = own, shared, own.is_text

    def read(self, rows: Any) -> list[Found]:
        """Evaluate a queryset, or find the rows of a part of a list."""
        reads_many = getattr(rows.query, "many_schemas", None) is not None
        found: list[Found] = (self._shared if reads_many else self._own).read(rows)
        return found

    def as_json(self, rows: Sequence[Any]) -> str:
        """Return what was read as the inside of a JSON array."""
        return str(self._own.as_json(self._written(rows)))

    def as_lines(self, rows: Sequence[Any]) -> str:
        """Return what was read as JSON, a line for each row but no end of line behind the last."""
        return str(self._own.as_lines(self._written(rows)))

    def _written(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return the rows with cards in the form of the others."""
        if not self.is_text:
            return rows
        return [
            row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, separators=(",", ":"))
            for row in rows
        ]
