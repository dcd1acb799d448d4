"""Trees of rows that stand for themselves: what is in order is written, whatever is wrong with others."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.db import DatabaseError, transaction
from rest_framework.exceptions import APIException

from smartmodels.exceptions import SmartModelsError
from smartmodels.rest.bulk.items import Item
from smartmodels.rest.bulk.writing import is_about_rows
from smartmodels.rest.nested.planning import Tree
from smartmodels.rest.nested.saving import save_tree
from smartmodels.rest.problems import Refused

__all__ = ["save_apart"]

Plant = Callable[[Sequence[Item]], Tree]


def save_apart(plant: Plant, serializer: Any, items: Sequence[Item]) -> Tree | None:
    """Check and write the trees that are in order, whole; note at each other row what is wrong in its tree.

    A row is never written without what is nested in it. Return what was written; None if nothing was.
    """
    waiting = [item for item in items if not item.faults]
    while waiting:
        # Each attempt begins with what was sent, and with the rows as they were read.
        tries = [replace(item, row=copy.copy(item.row)) for item in waiting]
        tree = plant(tries)
        if _saved(tree, serializer):
            for item, done in zip(waiting, tries, strict=True):
                item.row = done.row
            return tree
        if not _told(tree, waiting):
            _find_guilty(plant, serializer, waiting)
        waiting = [item for item in waiting if not item.faults]
    return None


def _saved(tree: Tree, serializer: Any) -> bool:
    """Write the tree; tell whether it is, and let the items say what is wrong if that is known."""
    try:
        with transaction.atomic():
            tree.check(serializer)
            save_tree(tree, serializer)
    except (DatabaseError, SmartModelsError, APIException, Refused) as error:
        problem = is_about_rows(error)
        if problem is None:
            raise
        if len(tree.root) == 1 and not any(item.faults for item in tree.items()):
            tree.root[0].refuse_as(problem)
        return False
    return True


def _told(tree: Tree, items: Sequence[Item]) -> bool:
    """Note at each row what is wrong in its tree; tell whether anything is."""
    refused: dict[int | None, list[Item]] = {}
    for inside in tree.items():
        if inside.faults:
            refused.setdefault(inside.index, []).append(inside)
    for item in items:
        if found := refused.get(item.index):
            statuses = {inside.status for inside in found}
            item.faults = tuple(fault for inside in found for fault in inside.faults)
            item.status = statuses.pop() if len(statuses) == 1 else 400
    return bool(refused)


def _find_guilty(plant: Plant, serializer: Any, items: Sequence[Item]) -> None:
    """Try each row alone where nothing is known of any; all are refused if none of them is to blame."""
    for item in items:
        with transaction.atomic():
            tree = plant([replace(item, row=copy.copy(item.row))])
            if not _saved(tree, serializer):
                _told(tree, [item])
            transaction.set_rollback(True)
    if not any(item.faults for item in items):
        for item in items:
            item.refuse(
                "conflict", "These rows cannot be written together: send them one by one.", status=409
            )
