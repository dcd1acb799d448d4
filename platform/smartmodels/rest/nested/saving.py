"""Write a tree of rows that is in order, level by level: rows above, the rows, what goes, rows below."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from smartmodels.rest.bulk.items import Item, refuse_faulty
from smartmodels.rest.bulk.removing import remove_items
from smartmodels.rest.bulk.writing import isolate, write_items
from smartmodels.rest.nested.branches import Branch
from smartmodels.rest.nested.linking import save_links
from smartmodels.rest.nested.planning import Tree

__all__ = ["save_tree"]


def save_tree(tree: Tree, serializer: Any) -> None:
    """Write the tree; raise Refused with every fault of the first level that has some.

    The caller's transaction takes back what was written then.
    """
    refuse_faulty(tree.items())
    _save(serializer, tree.root, tree.branches)


def _save(serializer: Any, items: Sequence[Item], branches: Sequence[Branch]) -> None:
    for branch in branches:
        if branch.relation.is_above:
            _save(branch.serializer, branch.items, branch.further)
    isolate(items, partial(write_items, serializer))
    refuse_faulty(items)
    for branch in branches:
        if not branch.relation.is_above:
            if branch.going:
                remove_items(branch.view, branch.going, lenient=False)
            _save(branch.serializer, branch.items, branch.further)
            if branch.relation.is_linked:
                save_links(branch)
