"""Whether the newest versions are the rows as they are (DESIGN H1)."""

from __future__ import annotations

from typing import Any

from smartmodels.history.capture import HistoryCapture
from smartmodels.history.evidence.findings import MOST_FINDINGS, Finding, Verification
from smartmodels.history.evidence.layouts import captures
from smartmodels.history.evidence.snapshots import filled, rows_of
from smartmodels.tenancy.triggers import quoted

__all__ = ["verify_living"]

# As text: a file's name, for one, has another type in history.
_ROWS = """
    WITH newest AS (SELECT {key} AS row, max(history_id) AS number FROM {history} GROUP BY 1)
    SELECT v.history_id AS number, coalesce(l.{key}, v.{key})::text AS row, l.{key} IS NULL AS gone
    FROM newest JOIN {history} v ON v.history_id = newest.number FULL JOIN {live} l ON l.{key} = v.{key}
    WHERE CASE
        WHEN l.{key} IS NULL THEN v.history_type <> '-'
        WHEN v.{key} IS NULL THEN true
        ELSE ROW({of_live})::text <> ROW({of_version})::text OR v.action = 'purge'
    END
    ORDER BY 2 LIMIT %s
"""
_LINKS = """
    WITH newest AS (SELECT {key} AS row, max(history_id) AS number FROM {history} GROUP BY 1),
    past AS (SELECT h.* FROM {links_then} h JOIN newest ON newest.number = h.history_id)
    SELECT DISTINCT coalesce(l.{source}, t.{source})::text AS row
    FROM {links_now} l FULL JOIN past t ON t.{first} = l.{first} AND t.{source} = l.{source}
    JOIN {live} r ON r.{key} = coalesce(l.{source}, t.{source})
    WHERE l.{source} IS NULL OR t.{source} IS NULL OR ROW({of_live})::text <> ROW({of_version})::text
    ORDER BY 1 LIMIT %s
"""


def verify_living(result: Verification) -> None:
    """Compare every row, and its tracked links, with its newest version."""
    for model, capture in captures():
        table = model._meta.db_table
        for row in rows_of(_rows_sql(table, capture), [MOST_FINDINGS]):
            result.add(_finding(table, row))
        for links in capture.links:
            for row in rows_of(_links_sql(table, capture, links), [MOST_FINDINGS]):
                what = f"The links of row {row['row']} are not those of its newest version."
                result.add(Finding("live", links[0], what, None, row["row"]))


def _finding(table: str, row: dict[str, Any]) -> Finding:
    if row["number"] is None:
        what = f"Row {row['row']} has no version at all."
    elif row["gone"]:
        what = f"Row {row['row']} is gone, yet it lives in its newest version, {row['number']}."
    else:
        what = f"Row {row['row']} differs from its newest version, {row['number']}."
    return Finding("live", table, what, row["number"], row["row"])


def _listed(columns: tuple[str, ...], prefix: str) -> str:
    return ", ".join(f"{prefix}.{quoted(column)}" for column in columns)


def _rows_sql(table: str, capture: HistoryCapture) -> str:
    names = {
        "key": quoted(capture.key), "history": quoted(capture.history_table), "live": quoted(table),
        "of_live": _listed(capture.columns, "l"), "of_version": _listed(capture.columns, "v"),
    }  # fmt: skip
    return filled(_ROWS, **names)


def _links_sql(table: str, capture: HistoryCapture, links: Any) -> str:
    now, source, columns, then = links
    names = {
        "key": quoted(capture.key), "history": quoted(capture.history_table), "live": quoted(table),
        "links_now": quoted(now), "links_then": quoted(then), "source": quoted(source),
        "first": quoted(columns[0]), "of_live": _listed(columns, "l"), "of_version": _listed(columns, "t"),
    }  # fmt: skip
    return filled(_LINKS, **names)
