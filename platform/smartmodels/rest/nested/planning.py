"""Read a whole tree of rows, and check it, before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from smartmodels.rest.bulk.finding import refuse_foreign
from smartmodels.rest.bulk.items import Item
from smartmodels.rest.bulk.reading import read_items
from smartmodels.rest.bulk.rules import check_items
from smartmodels.rest.nested.branches import Branch, nested_fields, view_of
from smartmodels.rest.nested.declaring import DEPTH_MAX, ROWS_MAX
from smartmodels.rest.nested.linking import match_linked
from smartmodels.rest.nested.matching import match_above, match_below
from smartmodels.rest.nested.wishes import one_of, take_nested, wish_of
from smartmodels.rest.problems import Problem, Refused

__all__ = ["Tree"]


class Tree:
    """The rows of a request, and the rows nested in them."""

    def __init__(self, view: Any, items: Sequence[Item], *, mode: str, times: int = 1) -> None:
        """Raise Refused (413) for too many nested rows; ``times`` as many are allowed as in one request."""
        self._mode, self._times = mode, times
        self._rows = 0
        self.root = items
        self.branches = self._branches(view, items, 1)

    # What is sent for which row

    def _branches(self, view: Any, items: Sequence[Item], depth: int) -> list[Branch]:
        fields = nested_fields(view)
        for item in items:
            take_nested(item, fields)
        found = []
        for name, (nested, relation) in fields.items():
            parents = [item for item in items if name in item.nested]
            if not parents:
                continue
            if depth > DEPTH_MAX:
                for parent in parents:
                    parent.refuse("too-deep", f"At most {DEPTH_MAX} levels can be nested.", name)
                continue
            child = view_of(view, nested)
            branch = Branch(name, nested, relation, child, child.get_serializer(), _is_needed(view, name))
            self._fill(branch, parents)
            branch.further = self._branches(child, branch.items, depth + 1)
            found.append(branch)
        return found

    def _fill(self, branch: Branch, parents: Sequence[Item]) -> None:
        nested, name = branch.nested, branch.name
        if branch.relation.is_above:
            branch.items = [one_of(parent, name, nested) for parent in parents]
            branch.below = dict(zip(branch.items, parents, strict=True))
            self._count(len(branch.items), nested.most)
            match_above(branch, branch.items)
        else:
            wishes = [wish_of(parent, name, nested, self._mode) for parent in parents]
            for wish in wishes:
                branch.below |= dict.fromkeys(wish.items(), wish.parent)
            self._count(len(branch.below), nested.most)
            (match_linked if branch.relation.is_linked else match_below)(branch, wishes)

    def _count(self, rows: int, most: int) -> None:
        self._rows += rows
        if self._rows > ROWS_MAX * self._times or rows > most * self._times:
            most = min(most, ROWS_MAX) * self._times
            message = f"More than {most} nested rows: send them in several requests."
            raise Refused(Problem(413, "too-many-rows", message, details={"most": most}))

    def items(self) -> Iterator[Item]:
        """Yield every item of the tree."""
        yield from self.root
        yield from _items(self.branches)

    # Whether it is in order

    def check(self, serializer: Any) -> None:
        """Read and check all rows; note every mistake at its row."""
        self._check(serializer, self.root, self.branches, ())

    def _check(
        self,
        serializer: Any,
        items: Sequence[Item],
        branches: Sequence[Branch],
        going: Sequence[Item],
        orphans: Collection[Item] = (),
    ) -> None:
        for branch in branches:
            if branch.relation.is_above:
                self._check(branch.serializer, branch.items, branch.further, ())
                _point_up(branch)
        read_items(serializer, items)
        sound = [item for item in items if item not in orphans]
        check_items(serializer, sound, [item.row.pk for item in going if item.row is not None])
        for branch in branches:
            if not branch.relation.is_above:
                lost = set() if branch.relation.is_linked else _point_down(branch)
                self._check(branch.serializer, branch.items, branch.further, branch.going, lost)
            # Who only refers to a row changes nothing about it.
            changed = [item for item in branch.items if item.changed or item.nested]
            refuse_foreign(branch.view, [*changed, *branch.going])


def _is_needed(view: Any, name: str) -> bool:
    """Tell whether the serializer takes no empty list under this name."""
    return not getattr(view.get_serializer().fields.get(name), "allow_empty", True)


def _items(branches: Sequence[Branch]) -> Iterator[Item]:
    for branch in branches:
        yield from (*branch.items, *branch.going)
        yield from _items(branch.further)


def _point_up(branch: Branch) -> None:
    """Let the rows below refer to the nested one."""
    for item, parent in branch.below.items():
        parent.fixed = {**parent.fixed, branch.relation.field.name: item.row}


def _point_down(branch: Branch) -> set[Item]:
    """Let nested rows refer to their parent; return those whose parent cannot be made."""
    name, lost = branch.relation.field.name, set()
    for item in branch.items:
        row = branch.below[item].row
        if row is None:
            lost.add(item)
        if isinstance(item.data, Mapping) and name in item.data:
            data = dict(item.data)
            if row is None or data.pop(name) != str(row.pk):
                item.refuse("read-only-field", "This follows from where the row stands.", name)
            item.data = data
        item.fixed = {name: row, **item.fixed}
    return lost
