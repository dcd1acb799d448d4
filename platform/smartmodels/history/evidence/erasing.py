"""Erase values of versions, and remove old versions, so that the evidence for the rest still holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from smartmodels.exceptions import InvalidInput
from smartmodels.history.capture import HistoryCapture
from smartmodels.history.evidence.layouts import captures
from smartmodels.history.evidence.snapshots import filled, rows_of
from smartmodels.tenancy.triggers import quoted

__all__ = ["Pruned", "erase_versions", "prune"]

BATCH = 10_000
"""How many versions go in one transaction."""

_FIXED = {"history_id", "segment_id", "m2m_history_id"}
# A version counts until the next one of its row. The last one of a row that is gone for good says nothing
# about the time since, either.
_SUPERSEDED = """
    SELECT history_id FROM (
        SELECT v.history_id, v.{key} AS row, v.history_date, v.history_type,
            lead(v.history_date) OVER (PARTITION BY v.{key} ORDER BY v.history_date, v.history_id) AS until,
            row_number() OVER (PARTITION BY v.{key} ORDER BY v.history_date DESC, v.history_id DESC) AS newest
        FROM {history} v
    ) v
    WHERE newest > %s AND (until <= %s OR until IS NULL AND history_date <= %s AND history_type = '-'
        AND NOT EXISTS (SELECT FROM {live} l WHERE l.{key} = v.row))
    ORDER BY history_id
"""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many versions of a table were removed (or would be), and how many links with them."""

    table: str
    versions: int
    links: int


@contextmanager
def _saying(purpose: str) -> Iterator[Any]:
    """Let the transaction say that it changes history, and why, for as long as the block."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('smartmodels.erasure', %s, true)", [purpose])
        yield cursor
        # What follows in the same transaction is refused again; a failed one forgets it by itself.
        cursor.execute("SELECT set_config('smartmodels.erasure', '', true)")


def erase_versions(versions: Any, **values: Any) -> int:
    """Overwrite columns of versions, such as a name that has to be forgotten; return how many versions.

    ``versions`` is a queryset of history rows, or of the links that versions had; the ledger keeps the
    digests from before and after, so the namespace still verifies. A living row keeps its values: change
    it first, and erase its newest version only to what it then says. Raises InvalidInput for the number
    and the segment of a version, which are fixed.
    """
    if fixed := sorted(_FIXED & values.keys()):
        raise InvalidInput(
            f"{fixed[0]} of a version is fixed: erase values of the row itself.", field=fixed[0]
        )
    with _saying("erase"):
        changed: int = versions.update(**values)
    return changed


def prune(
    *, before: datetime, model: Any = None, keep_last: int | None = None, dry_run: bool = False
) -> list[Pruned]:
    """Remove the versions that nobody needs to know how things were from ``before`` on.

    Of every row that is still there the newest version stays, as does the version that was in force at
    ``before``, so that ``as_of`` still tells the truth from then on. A row that was purged before then is
    forgotten. ``keep_last`` newest versions of each row stay in any case, purged ones included. Returns
    what was removed, per table. Raises InvalidInput for a ``keep_last`` less than 1, and for a model that has
    no history.
    """
    if keep_last is not None and keep_last < 1:
        raise InvalidInput("At least the newest version of a row is kept: give 1 or more.", field="keep_last")
    chosen = [each for each in captures() if model is None or each[0] is model._meta.concrete_model]
    if not chosen:
        raise InvalidInput(f"{model._meta.label} has no history to prune.", field="model")
    return [_prune_one(each._meta.db_table, capture, before, keep_last, dry_run) for each, capture in chosen]


def _prune_one(
    live: str, capture: HistoryCapture, before: datetime, keep_last: int | None, dry_run: bool
) -> Pruned:
    names = {"key": quoted(capture.key), "history": quoted(capture.history_table), "live": quoted(live)}
    superseded = rows_of(filled(_SUPERSEDED, **names), [keep_last or 0, before, before])
    doomed = [row["history_id"] for row in superseded]
    links = 0
    for at in range(0, len(doomed), BATCH):
        links += _remove(capture, doomed[at : at + BATCH], dry_run)
    return Pruned(capture.history_table, len(doomed), links)


def _remove(capture: HistoryCapture, numbers: list[int], dry_run: bool) -> int:
    where = "WHERE history_id = ANY(%s)"
    links = [history for _, _, _, history in capture.links]
    if dry_run:
        count = "SELECT count(*) AS rows FROM "
        counts = [rows_of(f"{count}{quoted(each)} {where}", [numbers]) for each in links]
        return sum(count["rows"] for (count,) in counts)
    removed = 0
    with _saying("prune") as cursor:
        for each in links:
            cursor.execute(f"DELETE FROM {quoted(each)} {where}", [numbers])  # noqa: S608
            removed += cursor.rowcount
        cursor.execute(f"DELETE FROM {quoted(capture.history_table)} {where}", [numbers])  # noqa: S608
    return removed
