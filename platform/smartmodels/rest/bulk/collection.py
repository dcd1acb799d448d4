"""Many rows in one request: POST, PUT, PATCH and DELETE on the collection itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework.decorators import action
from rest_framework.response import Response

from smartmodels.rest.bulk.answering import answer_items, rehearsing
from smartmodels.rest.bulk.describing import (
    BULK_MAX,
    answers_of,
    body_of,
    describe_change,
    describe_create,
    describe_rows,
)
from smartmodels.rest.bulk.finding import find_named, refuse_foreign
from smartmodels.rest.bulk.items import Item, items_of, refuse_faulty
from smartmodels.rest.bulk.links import show_with_links
from smartmodels.rest.bulk.preferences import Preferences, preferences_of
from smartmodels.rest.bulk.reading import read_items
from smartmodels.rest.bulk.removing import remove_items, restore_items
from smartmodels.rest.bulk.rules import check_items
from smartmodels.rest.bulk.upserting import conflict_group, match_existing
from smartmodels.rest.bulk.where import rows_where
from smartmodels.rest.bulk.writing import isolate, write_items
from smartmodels.rest.faults import Fault, InvalidInputHere, InvalidParameter
from smartmodels.rest.filtering.openapi import describe
from smartmodels.rest.problems import Problem, Refused

__all__ = ["BULK_MAX", "BulkMixin", "save_items"]

_OF_ROWS = ("handling", "tx", "return")
_ATTEMPTS = 3


def save_items(serializer: Any, items: Sequence[Item], *, lenient: bool) -> None:
    """Check and write items that were read; note what is refused.

    Raises Refused with every fault unless it is lenient; then everything that is in order is written.
    """
    waiting = [item for item in items if not item.status and item.same_as is None]
    check_items(serializer, waiting)
    if not lenient:
        refuse_faulty(items)
    waiting = [item for item in waiting if not item.faults]
    isolate(waiting, lambda some: write_items(serializer, some))
    if not lenient:
        refuse_faulty(items)


def _rows_of(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise InvalidInputHere(Fault("invalid", "An array of rows is needed.", pointer=""))
    if len(data) > BULK_MAX:
        message = f"{len(data)} rows are more than {BULK_MAX}: send several requests, or use import/."
        raise Refused(Problem(413, "too-many-rows", message, details={"most": BULK_MAX}))
    return data


class BulkMixin:
    """Arrays at the address of the list: all rows or none, every mistake told with index and pointer.

    ``Prefer: handling=lenient`` writes what is in order and answers 207 with one status per row,
    ``tx=rollback`` rehearses, ``return=minimal`` answers nothing. A viewset that must not write many rows
    says ``bulk = False``.
    """

    bulk: ClassVar[bool] = True

    def known_parameters(self: Any) -> frozenset[str]:
        """Add what says which rows are meant."""
        known: frozenset[str] = super().known_parameters()  # type: ignore[misc]
        if self.action == "create" and self.makes_many():
            return known | {"on_conflict"}
        if self.action in ("bulk_import", "bulk_import_report"):
            return known | {"import"}
        return known | {"where", "max_affected"} if self.action in ("bulk_change", "bulk_remove") else known

    @classmethod
    def makes_many(cls: Any) -> bool:
        """Tell whether an array may be posted: not where a viewset has its own way to make a row."""
        return bool(cls.bulk) and str(cls.create.__module__).startswith("smartmodels.rest.")

    @property
    def names_rows(self: Any) -> bool:
        """Tell whether the request names rows, which may not be there."""
        return str(self.action).startswith("bulk_")

    def describe_body(self: Any, schema: Any) -> Any:
        """Return the JSON schema of the body of a write of many rows, for the OpenAPI document."""
        found = body_of(self, schema) if self.action != "create" or self.makes_many() else None
        return super().describe_body(schema) if found is None else found  # type: ignore[misc]

    def describe_answers(self: Any, schema: Any) -> Any:
        """Return the JSON schemas of its answers, by status."""
        return answers_of(self, schema) if self.action != "create" or self.makes_many() else {}

    def raw_parameters(self: Any) -> list[dict[str, Any]]:
        """Describe the condition under which rows are changed or deleted."""
        return [describe(self, "where")] if self.action in ("bulk_change", "bulk_remove") else []

    def written_class(self: Any) -> Any:
        """Return the serializer that describes what may be sent."""
        return self.get_serializer_class()

    # What is done with rows, however they came

    def write_rows(self: Any, serializer: Any, items: Sequence[Item], *, lenient: bool = False) -> None:
        """Read, check and write the rows; raise Refused with every fault unless it is lenient."""
        read_items(serializer, items)
        save_items(serializer, items, lenient=lenient)

    def show_rows(self: Any, items: Sequence[Item]) -> list[Any]:
        """Return what the rows look like."""
        return show_with_links(self.get_serializer(), [item.row for item in items])

    # Make

    @describe_create
    def create(self: Any, request: Any) -> Response:
        """Make a row, or an array of rows; they belong to whoever asks.

        With `on_conflict` rows that exist are changed (or left, with `Prefer: resolution=ignore-duplicates`).
        """
        if isinstance(request.data, list) and self.makes_many():
            return self._create_many(request)  # type: ignore[no-any-return]
        if "on_conflict" in request.query_params:
            raise InvalidParameter("on_conflict", "This is for an array of rows.")
        return super().create(request)  # type: ignore[misc, no-any-return]

    def _create_many(self: Any, request: Any) -> Response:
        preferences = preferences_of(request, *_OF_ROWS, "resolution")
        serializer = self.get_serializer()
        group = conflict_group(self, serializer)
        items = items_of(_rows_of(request.data))
        with rehearsing(self, preferences):
            if group is None:
                self.write_rows(serializer, items, lenient=preferences.is_lenient)
            else:
                items = self._upsert(serializer, items, group, preferences)
            for item in items:
                item.settle(201 if item.adding else 200)
        made = group is None or any(item.status == 201 for item in items)
        return answer_items(items, preferences, self.show_rows, status=201 if made else 200)

    def _upsert(
        self: Any, serializer: Any, items: Sequence[Item], group: Any, preferences: Preferences
    ) -> list[Item]:
        """Insert or change; once more where somebody inserted the same values meanwhile."""
        tried: list[Item] = []
        for attempt in range(_ATTEMPTS):
            tried = items_of([item.data for item in items])
            match_existing(self, serializer, tried, group, ignore=preferences.ignores_duplicates)
            save_items(serializer, tried, lenient=True)
            raced = [item for item in tried if item.adding and {f.code for f in item.faults} == {"unique"}]
            if not raced or preferences.is_lenient or attempt == _ATTEMPTS - 1:
                break
            if len(raced) < sum(bool(item.faults) for item in tried):
                break
        if not preferences.is_lenient:
            refuse_faulty(tried)
        return tried

    # Change

    @describe_rows
    def bulk_replace(self: Any, request: Any) -> Response:
        """Replace what the caller may set of many rows, each named by its `id`."""
        return self._change_many(_rows_of(request.data), partial=False)  # type: ignore[no-any-return]

    @describe_change
    def bulk_change(self: Any, request: Any) -> Response:
        """Change many rows: an array, each with its `id`, or one object for all rows that meet `where`."""
        if isinstance(request.data, list):
            _refuse_where(request)
            return self._change_many(_rows_of(request.data), partial=True)  # type: ignore[no-any-return]
        return self._change_where(request)  # type: ignore[no-any-return]

    def _change_many(self: Any, rows: list[Any], *, partial: bool) -> Response:
        preferences = preferences_of(self.request, *_OF_ROWS)
        serializer = self.get_serializer()
        items = items_of(rows, adding=False, partial=partial)
        with rehearsing(self, preferences):
            find_named(self, items)
            self.write_rows(serializer, items, lenient=preferences.is_lenient)
            for item in items:
                item.settle(200)
        return answer_items(items, preferences, self.show_rows)

    def _change_where(self: Any, request: Any) -> Response:
        preferences = preferences_of(request, "tx", "return", "max-affected")
        serializer = self.get_serializer()
        with rehearsing(self, preferences):
            rows = rows_where(self, preferences)
            items = [Item((), request.data, row, adding=False, partial=True) for row in rows]
            # What is wrong with the values is wrong even where no row is met.
            read = items or [Item((), request.data, adding=True, partial=True)]
            read_items(serializer, read)
            refuse_faulty(read)
            refuse_foreign(self, items)
            save_items(serializer, items, lenient=False)
        return self._affected(items, preferences)  # type: ignore[no-any-return]

    # Remove, restore

    @describe_change
    def bulk_remove(self: Any, request: Any) -> Response:
        """Delete many rows softly: an array of ids, or all rows that `where` means."""
        # Whoever sends a body means its rows, and not those of an address, whatever the body is.
        if request.stream is None:
            return self._remove_where(request)  # type: ignore[no-any-return]
        rows = _rows_of(request.data)
        _refuse_where(request)
        preferences = preferences_of(request, *_OF_ROWS)
        items = items_of(rows, adding=False)
        with rehearsing(self, preferences):
            find_named(self, items)
            remove_items(self, items, lenient=preferences.is_lenient)
            for item in items:
                item.settle(204)
        return answer_items(items, preferences, self.show_rows)

    def _remove_where(self: Any, request: Any) -> Response:
        preferences = preferences_of(request, "tx", "return", "max-affected")
        with rehearsing(self, preferences):
            items = [Item((), row.pk, row, adding=False) for row in rows_where(self, preferences)]
            refuse_foreign(self, items)
            remove_items(self, items, lenient=False)
        return self._affected(items, preferences)  # type: ignore[no-any-return]

    @describe_rows
    @action(detail=False, methods=["post"], life="all", url_path="restore", url_name="restore-many")
    def bulk_restore(self: Any, request: Any) -> Response:
        """Restore many deleted rows with what their deletions took along: an array of ids."""
        preferences = preferences_of(request, *_OF_ROWS)
        items = items_of(_rows_of(request.data), adding=False)
        with rehearsing(self, preferences):
            find_named(self, items)
            restore_items(self, items, lenient=preferences.is_lenient)
            for item in items:
                item.settle(200)
        return answer_items(items, preferences, self.show_rows)

    def _affected(self: Any, items: Sequence[Item], preferences: Preferences) -> Response:
        if preferences.shows_rows("minimal"):
            return answer_items(items, preferences, self.show_rows)
        return Response({"affected": len(items)}, headers=preferences.applied)


def _refuse_where(request: Any) -> None:
    for name in ("where", "max_affected"):
        if name in request.query_params:
            raise InvalidParameter(name, "An array names its rows itself.")
