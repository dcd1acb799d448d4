"""Fill places in a list with rows: one statement per lot of homes, and a card where a home cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from django.db import ProgrammingError, connection, transaction

from shared_apps.sharing.models import SharedResource
from smartmodels.rest.lists import Found
from smartmodels.sharing import Home, Shown, chunks_of

__all__ = ["Read", "card_of", "filled", "read_homes"]

log = logging.getLogger(__name__)

Read = Callable[[Sequence[Home]], list[Found]]
"""Reads the rows that some homes share, no more homes than one statement may touch."""


def filled(places: Sequence[Found | Shown], homes: Sequence[Home], read: Read) -> list[Found]:
    """Return the places with rows in them: those that are shown by grants are read, or told by a card.

    ``homes`` are those of the latter. A row that went between two statements leaves no place.
    """
    rows, unread = _rows(homes, read)
    cards = _cards(unread)
    found = (each if isinstance(each, Found) else rows.get(each.key) or cards.get(each) for each in places)
    return [each for each in found if each is not None]


def _rows(homes: Sequence[Home], read: Read) -> tuple[dict[Any, Found], list[Home]]:
    found: dict[Any, Found] = {}
    unread = [each for each in homes if not each.is_readable]
    for lot in chunks_of([each for each in homes if each.is_readable]):
        parts, more = read_homes(lot, read)
        found.update((row.key, row) for part in parts for row in part)
        unread += more
    return found, unread


def read_homes(homes: Sequence[Home], read: Read) -> tuple[list[list[Found]], list[Home]]:
    """Return the rows of some homes, and the homes whose tables are not as they should be.

    The rows of all come together; where there are any of the latter, those of each home by themselves.
    """
    try:
        with _kept():
            return [read(homes)], []
    except ProgrammingError as error:
        if len(homes) == 1:
            # What a list shows never hangs on the state of somebody else's tables.
            log.warning("Rows shared by %s cannot be read: %s", homes[0].namespace.slug, error)
            return [], list(homes)
    alone = [read_homes([each], read) for each in homes]
    return [part for parts, _ in alone for part in parts], [each for _, more in alone for each in more]


def _kept() -> AbstractContextManager[Any]:
    """Return what keeps an open transaction usable after an error."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _cards(homes: Iterable[Home]) -> dict[Shown, Found]:
    shown = {each: home.namespace.slug for home in homes for each in home.shown or ()}
    if not shown:
        return {}
    labels = _labels([each.registered for each in shown])
    return {
        each: Found(card_of(each, home, labels.get(each.registered, "")), each.key)
        for each, home in shown.items()
    }


def card_of(shown: Shown, home: str, label: str) -> dict[str, Any]:
    """Return what is told of a row whose home cannot be read just now."""
    return {
        "id": str(shown.row_id), "home": home, "role": shown.role, "shared": True, "label": label,
        "unavailable": True,
    }  # fmt: skip


def _labels(registered: Sequence[UUID]) -> dict[UUID, str]:
    return dict(SharedResource.objects.filter(pk__in=registered).values_list("pk", "label"))
