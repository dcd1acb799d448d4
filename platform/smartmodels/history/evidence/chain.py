"""The chain of segments: linking what was written, and whether it still holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

from smartmodels.context import current_namespace, current_schema
from smartmodels.history.evidence.findings import MOST_FINDINGS, Finding, Verification
from smartmodels.history.evidence.snapshots import rows_of
from smartmodels.history.ledger import anchor_model

__all__ = ["Link", "anchor", "verify_anchors", "verify_chain", "verify_erasures"]

BATCH = 10_000
"""How many segments are linked in one transaction, which keeps others from linking."""

Link = tuple[int, bytes]
"""A place in the chain: its position, and the digest of all that comes before."""

_SAID = """convert_to(
    ROW(id, kind, history_table, layout_id, rows, digest, written_at, operation_id)::text, 'UTF8')"""
_CHAIN = f"""
    WITH linked AS (
        SELECT history_table, position, chain, lag(position) OVER place AS before,
            sha256(coalesce(lag(chain) OVER place, '') || {_SAID}) AS due
        FROM ledger_segment WHERE position >= %s - 1 WINDOW place AS (ORDER BY position)
    )
    SELECT history_table, position, before, chain = due AS holds FROM linked
    WHERE position >= %s AND (position IS DISTINCT FROM coalesce(before, 0) + 1 OR chain IS DISTINCT FROM due)
    ORDER BY position LIMIT %s
"""  # noqa: S608
_FIRST = "SELECT coalesce(min(position), 1) AS first FROM ledger_segment WHERE written_at >= %s"
_LINKED = "SELECT count(*) AS linked FROM ledger_segment WHERE position >= %s"
_ANCHORED = """
    SELECT a.position, s.chain = a.chain AS holds
    FROM unnest(%s::bigint[], %s::bytea[]) AS a (position, chain)
    LEFT JOIN ledger_segment s ON s.position = a.position
    WHERE s.chain IS DISTINCT FROM a.chain ORDER BY 1
"""
_ERASED = """
    SELECT s.id, s.history_table FROM ledger_segment s LEFT JOIN (
        SELECT segment_id, history_table, count(*) AS rows, sha256(string_agg(
            convert_to(ROW(number, written_in, digest_before, digest_after)::text, 'UTF8'), ''
            ORDER BY number)) AS digest
        FROM ledger_erasure GROUP BY 1, 2
    ) e ON e.segment_id = s.id AND e.history_table = s.history_table
    WHERE s.kind <> 'write' AND (s.digest IS DISTINCT FROM e.digest OR s.rows IS DISTINCT FROM e.rows)
    LIMIT %s
"""
_UNKNOWN_ERASURE = """
    SELECT e.history_table, e.number FROM ledger_erasure e
    WHERE NOT EXISTS (SELECT FROM ledger_segment s WHERE s.id = e.segment_id AND s.kind <> 'write') LIMIT %s
"""
_BETWEEN = """
    SELECT history_table, number FROM (
        SELECT history_table, number, digest_before, lag(digest_after) OVER each AS was,
            lag(id) OVER each AS earlier
        FROM ledger_erasure WINDOW each AS (PARTITION BY history_table, number ORDER BY id)
    ) e WHERE earlier IS NOT NULL AND was IS DISTINCT FROM digest_before LIMIT %s
"""


def anchor() -> tuple[int, Link | None]:
    """Link what the bound namespace wrote, and note the end of its chain outside of its schema.

    Returns how many segments were linked, and the end of the chain (None while nothing was ever written).
    """
    linked, end = 0, None
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM public.smartmodels_link(%s, %s)", [current_schema(), BATCH])
            batch, position, chain = cursor.fetchone()
            if position is not None:
                end = (position, bytes(chain))
                _note(*end)
        linked += batch
        if batch < BATCH:
            return linked, end


def _note(position: int, chain: bytes) -> None:
    namespace: Any = current_namespace()
    anchor_model().objects.bulk_create(
        [anchor_model()(namespace_id=namespace.pk, slug=namespace.slug, position=position, chain=chain)],
        ignore_conflicts=True,
    )


def verify_chain(result: Verification, since: Any) -> None:
    """Compute every link from then on again."""
    (begin,) = rows_of(_FIRST, [since])
    first = begin["first"]
    result.linked += rows_of(_LINKED, [first])[0]["linked"]
    for row in rows_of(_CHAIN, [first, first, MOST_FINDINGS]):
        before, position = row["before"] or 0, row["position"]
        if position != before + 1:
            what = f"The segments from position {before + 1} to {position - 1} are gone."
            result.add(Finding("chain", "ledger_segment", what))
        else:
            what = f"The segment at position {position} is not the one that was linked there."
            result.add(Finding("chain", row["history_table"], what))


def verify_anchors(result: Verification, links: Iterable[Link]) -> None:
    """Compare the chain with places of it that were noted elsewhere."""
    noted = list(links)
    result.anchors += len(noted)
    positions, chains = [place for place, _ in noted], [chain for _, chain in noted]
    for row in rows_of(_ANCHORED, [positions, chains]):
        how = "another" if row["holds"] is False else "no"
        what = f"At position {row['position']}, where there is an anchor, the chain has {how} segment now."
        result.add(Finding("anchor", "ledger_segment", what))


def verify_erasures(result: Verification) -> None:
    """Compare what is said of erased and pruned versions with the segments that vouch for it."""
    result.erased += rows_of("SELECT count(*) AS rows FROM ledger_erasure")[0]["rows"]
    for row in rows_of(_ERASED, [MOST_FINDINGS]):
        what = f"What segment {row['id']} says was erased or pruned is not what is recorded."
        result.add(Finding("erasure", row["history_table"], what))
    for sql, what in (
        (_UNKNOWN_ERASURE, "is said to be erased or pruned, but no segment knows it"),
        (_BETWEEN, "was edited between two erasures"),
    ):
        for row in rows_of(sql, [MOST_FINDINGS]):
            number = row["number"]
            result.add(Finding("erasure", row["history_table"], f"Version {number} {what}.", number))
