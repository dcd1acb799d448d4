"""Vouch anew for the versions that there are: for copies whose versions are not those that were written."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection

from smartmodels.history.capture import HistoryCapture, digest_of, layout_key
from smartmodels.history.evidence.layouts import captures
from smartmodels.history.evidence.snapshots import moment, rows_of
from smartmodels.tenancy.triggers import quoted

__all__ = ["renew"]

_SUMMED = """
    SELECT count(*) AS rows, sha256(string_agg(digest, '' ORDER BY part, number)) AS digest,
        CASE WHEN count(*) > 1 THEN string_agg(substr(digest, 1, 8), '' ORDER BY part, number) END AS leaves
    FROM ({versions}) AS versions HAVING count(*) > 0
"""
_SEGMENT = """
    INSERT INTO ledger_segment (id, kind, history_table, layout_id, rows, digest, leaves, written_at)
    VALUES (%s, 'write', %s, %s, %s, %s, %s, clock_timestamp())
"""


def renew() -> None:
    """Forget what vouched for the history of the bound namespace, and let one segment per table do so.

    Use it in a transaction, with the triggers of the namespace's tables off.
    """
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE ledger_segment, ledger_erasure")
        for _, capture in captures():
            cursor.execute(capture.layout_sql())
            _renew(cursor, capture)


def _renew(cursor: Any, capture: HistoryCapture) -> None:
    segment, layout = uuid.uuid4(), capture.layout
    main = capture.history_table
    ordered = [main, *sorted(set(layout) - {main})]
    for table in ordered:
        cursor.execute(f"UPDATE {quoted(table)} SET segment_id = %s", [segment])  # noqa: S608
    versions = " UNION ALL ".join(
        f"SELECT {part} AS part, {quoted(layout[table][0][0])} AS number, "  # noqa: S608
        f"{digest_of(*(', '.join(map(quoted, group)) for group in layout[table]))} AS digest "
        f"FROM {quoted(table)}"
        for part, table in enumerate(ordered)
    )
    with moment():
        sums = rows_of(_SUMMED.format(versions=versions))
    for each in sums:
        cursor.execute(
            _SEGMENT, [segment, main, layout_key(layout), each["rows"], each["digest"], each["leaves"]]
        )
