"""Cursors of the change feed: places, signed, and good in one namespace alone."""

from __future__ import annotations

from typing import Any

from django.core.signing import BadSignature, Signer

from smartmodels.history import Place

__all__ = ["BEGINNING", "cursor_of", "place_of"]

BEGINNING = Place()
_LONGEST = 300


def _signer(namespace: Any) -> Signer:
    return Signer(salt=f"smartmodels.rest.changes:{namespace.pk}")


def cursor_of(place: Place, namespace: Any) -> str:
    """Return the text that stands for a place in the history of ``namespace``."""
    return _signer(namespace).sign_object([place.position, place.chain.hex(), place.number])


def place_of(cursor: str, namespace: Any) -> Place | None:
    """Return the place that a cursor stands for, or None for one that was not made for ``namespace``."""
    if len(cursor) > _LONGEST:
        return None
    try:
        position, chain, number = _signer(namespace).unsign_object(cursor)
    except (BadSignature, ValueError):  # ValueError: what is signed but no cursor
        return None
    return Place(position, bytes.fromhex(chain), number)
