"""Move ownership from one user to another, over sets of rows and in batches."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connections, models, transaction

from smartmodels.context import operation, require_namespace
from smartmodels.ownership.sentinel import sentinel_id
from smartmodels.tenancy.triggers import quoted

__all__ = [
    "count_owned",
    "hand_over",
    "hand_over_some",
    "owned_models",
    "take_back",
    "take_back_some",
]


@dataclass(frozen=True, slots=True)
class _Move:
    """Set ``values`` on the rows, of every owned model, that ``filters`` find."""

    filters: dict[str, Any]
    values: dict[str, Any]


def owned_models() -> list[type[models.Model]]:
    """Return the concrete models whose rows have an owner."""
    return [
        model
        for model in apps.get_models()
        if hasattr(model, "former_owner_id") and hasattr(model, "all_objects") and not model._meta.proxy
    ]


def _out(user_id: uuid.UUID) -> tuple[_Move, ...]:
    # In this order: a row that is deleted meanwhile leaves the first set for the second.
    gone = {"former_owner_id": user_id}
    return (
        _Move({"owner_id": user_id}, {"owner_id": sentinel_id(), **gone}),
        _Move(
            {"owner_before_deletion_id": user_id, "deleted_in__isnull": False},
            {"owner_before_deletion_id": sentinel_id(), **gone},
        ),
    )


def _back(user_id: uuid.UUID) -> tuple[_Move, ...]:
    held, forgotten = {"former_owner_id": user_id}, {"former_owner_id": None}
    return (
        _Move(
            {"owner_id": sentinel_id(), "deleted_at__isnull": True, **held},
            {"owner_id": user_id, **forgotten},
        ),
        _Move(
            {"owner_before_deletion_id": sentinel_id(), **held},
            {"owner_before_deletion_id": user_id, **forgotten},
        ),
    )


def _rows(model: Any, move: _Move, using: str) -> Any:
    return model.all_objects.using(using).filter(**move.filters).order_by()


def _holds(model: Any, move: _Move) -> tuple[str, list[Any]]:
    """Return the condition in SQL that the table has a row that the move finds."""
    columns = {field.attname: quoted(field.column) for field in model._meta.concrete_fields}
    parts, values = [], []
    for name, value in move.filters.items():
        attribute, _, is_null = name.partition("__")
        column = columns[attribute]
        parts.append(f"{column} IS {'NULL' if value else 'NOT NULL'}" if is_null else f"{column} = %s")
        values += [] if is_null else [value]
    return f"EXISTS (SELECT FROM {quoted(model._meta.db_table)} WHERE {' AND '.join(parts)})", values


def _left(moves: tuple[_Move, ...], using: str) -> list[tuple[Any, _Move]]:
    """Return the models and moves that still find rows, asked in one statement.

    Written by hand: what the ORM takes to compile two dozen queries is most of a small hand-over.
    """
    places = [(model, move) for move in moves for model in owned_models()]
    conditions = [_holds(*place) for place in places]
    if not places:
        return []
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(condition for condition, _ in conditions)}",
            [value for _, values in conditions for value in values],
        )
        found = cursor.fetchone()
    return [place for place, holds in zip(places, found, strict=True) if holds]


def _move_some(moves: tuple[_Move, ...], limit: int | None, using: str) -> int | None:
    require_namespace()
    moved = 0
    with transaction.atomic(using=using), operation(action="handover"):
        places = _left(moves, using)
        for model, move in places:
            rows = _rows(model, move, using)
            if limit is not None:
                # The condition once more: a row that was locked is looked at again when the lock is gone.
                rows = rows.filter(pk__in=rows.values("pk")[: limit - moved])
            moved += rows.update(**move.values)
            if limit is not None and moved >= limit:
                break
    return moved if places else None


def _until_done(some: Callable[..., int | None], user_id: uuid.UUID, using: str) -> int:
    moved = 0
    with transaction.atomic(using=using):
        while (rows := some(user_id, limit=None, using=using)) is not None:
            moved += rows
    return moved


def hand_over_some(user_id: uuid.UUID, *, limit: int | None = 5000, using: str = "default") -> int | None:
    """Hand over at most ``limit`` rows, as :func:`hand_over` does; return how many.

    None means that the user owns nothing more in the bound namespace. 0 does not: others were changing
    the rows that were looked at.
    """
    return _move_some(_out(user_id), limit, using)


def hand_over(user_id: uuid.UUID, *, using: str = "default") -> int:
    """Give everything the user owns in the bound namespace to the sentinel; return the number of rows.

    Deleted rows count: restored later, they go to the sentinel as well. The rows remember whose they
    were, so that :func:`take_back` can return exactly them. Authorship (``created_by``) does not change.
    All of it is one transaction; repeating it changes nothing.
    """
    return _until_done(hand_over_some, user_id, using)


def take_back_some(user_id: uuid.UUID, *, limit: int | None = 5000, using: str = "default") -> int | None:
    """Return at most ``limit`` rows, as :func:`take_back` does; None when none is left."""
    return _move_some(_back(user_id), limit, using)


def take_back(user_id: uuid.UUID, *, using: str = "default") -> int:
    """Return to the user the rows, living and deleted, that the sentinel holds for them; return how many.

    Raises OwnerClosed while the account is closed.
    """
    return _until_done(take_back_some, user_id, using)


def count_owned(user_id: uuid.UUID, *, held: bool = False, using: str = "default") -> int:
    """Return how many rows of the bound namespace are the user's or, with ``held``, kept for them."""
    require_namespace()
    moves = _back(user_id) if held else _out(user_id)
    places = [(model, move) for model in owned_models() for move in moves]
    return sum(_rows(model, move, using).count() for model, move in places)
