"""The writer of history for those who cannot have triggers: it follows the statements of the ORM.

After each statement that writes to a tracked table, or to a tracked table of links, the rows it wrote are
compared with their newest versions, by a function in the database that writes what the triggers would have
written. What does not pass the ORM, such as plain SQL and COPY, it cannot see: see :func:`write_versions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial
from typing import Any

from django.db import connections

from smartmodels.conf import settings
from smartmodels.context import current_schema
from smartmodels.history.capture import HistoryCapture
from smartmodels.history.evidence.layouts import captures
from smartmodels.tenancy.engine.writes import Follower, follow_writes

__all__ = ["statement_done", "write_versions"]


def _write(capture: HistoryCapture, table: str, touched: bool, keys: Iterable[Any], using: str) -> None:
    values = [
        current_schema(),
        list(capture.writer_arguments(table)),
        sorted({str(key) for key in keys}),
        touched,
    ]
    with connections[using].cursor() as cursor:
        # Begun as a write, so that the open operation travels with it.
        cursor.execute(
            "WITH nothing AS (SELECT) "
            "SELECT public.smartmodels_write_versions(%s, %s::text[], %s::text[], %s)",
            values,
        )


def write_versions(model: Any, keys: Iterable[Any], *, using: str = "default") -> None:
    """Write versions of the rows of these keys that differ from their newest version, purged ones included.

    For code that changed them past the ORM while ``SMARTMODELS_HISTORY_WRITER`` is ``statement``; with
    triggers there is nothing left to write.
    """
    wanted = model._meta.concrete_model
    capture = next(found for tracked, found in captures() if tracked is wanted)
    _write(capture, wanted._meta.db_table, False, keys, using)


def statement_done(table: str, keys: Iterable[Any], using: str) -> None:
    """Tell the writer that plain SQL wrote rows of these keys, or links of them; with triggers it knows."""
    if settings().HISTORY_WRITER == "statement" and (follower := _followers().get(table)) is not None:
        follower.tell(keys, using)


@cache
def _followers() -> dict[str, Follower]:
    """Return who follows the writes of each table."""
    found = {}
    for model, capture in captures():
        table = model._meta.db_table
        found[table] = Follower(model._meta.pk, partial(_write, capture, table, False))
        for through in _through_models(model):
            for links, source, _, _ in capture.links:
                if through._meta.db_table == links:
                    field = next(each for each in through._meta.concrete_fields if each.column == source)
                    found[links] = Follower(field, partial(_write, capture, table, True))
    return found


def _through_models(model: Any) -> list[Any]:
    return [field.remote_field.through for field in model._meta.local_many_to_many]


def _follower(model: Any) -> Follower | None:
    if settings().HISTORY_WRITER != "statement":
        return None
    return _followers().get(model._meta.db_table)


follow_writes(_follower)
