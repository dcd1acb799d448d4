"""What a request that writes many rows is answered: the rows, nothing, or one status per row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django.db import transaction
from rest_framework.response import Response

from smartmodels.rest.bulk.items import Item
from smartmodels.rest.bulk.preferences import Preferences
from smartmodels.rest.lists import check_rows

__all__ = ["Show", "answer_items", "rehearsing"]

Show = Callable[[Sequence[Item]], list[Any]]
"""Returns what rows look like."""


@contextmanager
def rehearsing(view: Any, preferences: Preferences) -> Iterator[None]:
    """Write all or nothing, with the reason that is given; take everything back if it is a rehearsal.

    Raises InvalidHeader for a condition that could not be kept, and PreconditionRequired where one is needed.
    """
    check_rows(view)
    with view.writing():
        yield
        if preferences.is_rehearsal:
            transaction.set_rollback(True)


def answer_items(
    items: Sequence[Item], preferences: Preferences, show: Show, *, status: int = 200
) -> Response:
    """Answer with the rows in their order, with nothing, or (lenient) with 207 and one status per row."""
    headers = preferences.applied
    if preferences.is_lenient:
        shown = _shown(items, show) if preferences.shows_rows() else {}
        rows = [_result(item, number, shown) for number, item in enumerate(items)]
        failed = sum(bool(item.faults) for item in items)
        report = {"succeeded": len(items) - failed, "failed": failed, "results": rows}
        return Response(report, status=HTTPStatus.MULTI_STATUS, headers=headers)
    if not preferences.shows_rows():
        return Response(status=HTTPStatus.NO_CONTENT, headers=headers)
    return Response(show(items), status=status, headers=headers)


def _shown(items: Sequence[Item], show: Show) -> dict[Item, Any]:
    """Return what those that are written and there look like: all at once, for what is read along."""
    there = [item for item in items if not item.faults and item.status != HTTPStatus.NO_CONTENT]
    return dict(zip(there, show(there), strict=True)) if there else {}


def _result(item: Item, number: int, shown: Mapping[Item, Any]) -> dict[str, Any]:
    if item.faults:
        errors = [fault.as_document() for fault in item.faults]
        return {"index": number, "status": item.status, "code": item.faults[0].code, "errors": errors}
    told = {"index": number, "status": item.status, "id": str(item.row.pk)}
    return {**told, "row": shown[item]} if item in shown else told
