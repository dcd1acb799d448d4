"""Rows that are written together with those they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from rest_framework.response import Response

from smartmodels.rest.bulk.describing import describe_create
from smartmodels.rest.bulk.items import Item
from smartmodels.rest.lists import check_row
from smartmodels.rest.nested.apart import save_apart
from smartmodels.rest.nested.declaring import Nested
from smartmodels.rest.nested.describing import with_nested
from smartmodels.rest.nested.planning import Tree
from smartmodels.rest.nested.saving import save_tree
from smartmodels.rest.nested.showing import show_tree

__all__ = ["NestedMixin"]


class NestedMixin:
    """Writes the rows that ``nested`` names with the row they belong to, in one request.

    The whole tree is checked first and written in one transaction, with as many statements as it has
    levels. An answer to such a write shows the nested rows as they are then.
    """

    nested: ClassVar[Mapping[str, Nested]] = {}

    def written_class(self: Any) -> Any:
        """Return the serializer that describes what may be sent."""
        found = super().written_class()  # type: ignore[misc]
        return with_nested(found, self.model, tuple(self.nested.items())) if self.nested else found

    def _is_nested(self: Any, *rows: Any) -> bool:
        names = {*self.nested, *(alias for each in self.nested.values() for alias in each.flat)}
        return bool(names) and any(isinstance(row, dict) and not names.isdisjoint(row) for row in rows)

    @describe_create
    def create(self: Any, request: Any) -> Response:
        """Make a row, or an array of rows; they belong to whoever asks.

        With `on_conflict` rows that exist are changed (or left, with `Prefer: resolution=ignore-duplicates`).
        """
        if not self._is_nested(request.data):
            return super().create(request)  # type: ignore[misc, no-any-return]
        item = Item((), request.data)
        with self.writing():
            self.write_rows(self.get_serializer(), [item])
            shown = self.show_rows([item])[0]
        return self.created(item.row, shown)  # type: ignore[no-any-return]

    def update(self: Any, request: Any, pk: str, *, partial: bool = False) -> Response:
        """Replace what the caller may set; optional fields that are left out keep their values."""
        if not self._is_nested(request.data):
            return super().update(request, pk, partial=partial)  # type: ignore[misc, no-any-return]
        with self.writing():
            row = self.get_object(lock=True)
            check_row(self, row)
            item = Item((), request.data, row, adding=False, partial=partial)
            self.write_rows(self.get_serializer(), [item])
            shown = self.show_rows([item])[0]
        return Response(shown)

    def write_rows(self: Any, serializer: Any, items: Sequence[Item], *, lenient: bool = False) -> None:
        """Check and write rows with what is nested in them; raise Refused with every fault."""
        if not self._is_nested(*(item.data for item in items)):
            super().write_rows(serializer, items, lenient=lenient)  # type: ignore[misc]
            return
        # An import may have as many for each line: how long all lines of a chunk are is bounded.
        times = len(items) if self.action == "bulk_import" else 1
        mode = "replace" if self.request.method == "PUT" else "merge"
        plant = partial(Tree, self, mode=mode, times=times)
        if lenient:
            self._tree = save_apart(plant, serializer, items)
            return
        tree = plant(items)
        tree.check(serializer)
        save_tree(tree, serializer)
        self._tree = tree

    def show_rows(self: Any, items: Sequence[Item]) -> list[Any]:
        """Return what the rows look like, with the nested ones that were written."""
        tree = getattr(self, "_tree", None)
        if tree is None:
            return super().show_rows(items)  # type: ignore[misc, no-any-return]
        return show_tree(self.get_serializer(), [i.row for i in items], tree.branches)
