"""Whether the versions are those that their segments vouch for."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from django.db import DataError, ProgrammingError, transaction

from smartmodels.history.evidence.findings import MOST_FINDINGS, Finding, Verification
from smartmodels.history.evidence.layouts import Layout, captures, layouts
from smartmodels.history.evidence.snapshots import filled, rows_of
from smartmodels.tenancy.triggers import literal, quoted

__all__ = ["verify_segments", "verify_strays"]

_LEAF = 8  # bytes of each digest that a segment of several versions keeps

# What is there, and what was erased or pruned, which counts with the digest it had when it was written.
_COUNTED = """
    found AS ({found}), erased AS (
        SELECT p.part, e.number, e.written_in, (array_agg(e.digest_before ORDER BY e.id))[1] AS before,
            (array_agg(e.digest_after ORDER BY e.id DESC))[1] AS after
        FROM ledger_erasure e JOIN segments s ON s.id = e.written_in
        JOIN (VALUES {names}) AS p (part, name) ON p.name = e.history_table
        GROUP BY 1, 2, 3
    ), counted AS (
        SELECT coalesce(f.segment_id, e.written_in) AS segment_id, coalesce(f.part, e.part) AS part,
            coalesce(f.number, e.number) AS number, f.number IS NOT NULL AS there,
            coalesce(e.before, f.now) AS now, coalesce(e.before, f.past) AS past,
            e.number IS NOT NULL AND e.after IS DISTINCT FROM f.now AND e.after IS DISTINCT FROM f.past
                AS wrong
        FROM found f
        FULL JOIN erased e ON e.part = f.part AND e.number = f.number AND e.written_in = f.segment_id
    )
"""
_BROKEN = """
    WITH segments AS MATERIALIZED (
        SELECT id, rows, digest FROM ledger_segment
        WHERE kind = 'write' AND layout_id = %s AND history_table = %s AND written_at >= %s
    ), {counted}, summed AS (
        SELECT segment_id, count(*) AS rows, bool_or(wrong) AS wrong,
            sha256(string_agg(now, '' ORDER BY part, number)) AS now, {past} AS past
        FROM counted GROUP BY segment_id
    )
    SELECT s.id FROM segments s LEFT JOIN summed c ON c.segment_id = s.id
    WHERE c.rows IS DISTINCT FROM s.rows
        OR {known} AND (c.wrong OR c.now IS DISTINCT FROM s.digest AND c.past IS DISTINCT FROM s.digest)
    ORDER BY s.id LIMIT %s
"""
_VERSIONS = """
    WITH segments AS (SELECT id FROM ledger_segment WHERE id = %s), {counted}
    SELECT part, number, there, now, past, wrong FROM counted ORDER BY part, number
"""
_SEGMENT = "SELECT id, rows, digest, leaves FROM ledger_segment WHERE id = %s"
_VERSIONS_SINCE = "SELECT count(*) AS rows FROM {table} h WHERE {date} >= %s"
_STRAYS = """
    SELECT h.{key} AS number, {row}::text AS row FROM {table} h
    WHERE {date} >= %s AND NOT EXISTS (
        SELECT FROM ledger_segment s JOIN ledger_layout l ON l.id = s.layout_id
        WHERE s.id = h.segment_id AND s.kind = 'write' AND l.tables ? {name}
    ) ORDER BY 1 LIMIT %s
"""


def _counted(layout: Layout) -> str:
    # Where a type changed, values that were kept exactly can still be written as they were.
    found = " UNION ALL ".join(
        f"SELECT {part.rank} AS part, {quoted(part.key)} AS number, segment_id, {part.now} AS now, "  # noqa: S608
        f"{part.then if layout.changed else 'NULL::bytea'} AS past "
        f"FROM {quoted(part.table)} WHERE segment_id IN (SELECT id FROM segments)"
        for part in layout.parts
    )
    names = ", ".join(f"({part.rank}, {literal(part.table)})" for part in layout.parts)
    return filled(_COUNTED, found=found, names=names)


def verify_segments(result: Verification, since: Any) -> None:
    """Compare the digest of every segment written from then on with its versions."""
    for layout in layouts(since):
        result.segments += layout.segments
        if not layout.is_genuine:
            what = f"The layout {layout.id} of {layout.segments} segments is gone, or says something else."
            result.add(Finding("segment", layout.table, what))
        elif layout.lost or not layout.is_complete:
            lost = result.unverifiable.get(layout.table, 0)
            result.unverifiable[layout.table] = lost + layout.segments
        if layout.is_complete and layout.is_genuine:
            _verify_layout(result, layout, since)


def _verify_layout(result: Verification, layout: Layout, since: Any) -> None:
    try:
        with transaction.atomic():
            broken = _broken(layout, since)
    except (DataError, ProgrammingError):
        # What is there now cannot be of the old type.
        layout = layout.as_now()
        broken = _broken(layout, since)
    for segment in broken:
        if result.is_full:
            result.more += 1
        else:
            for finding in _explain(layout, _counted(layout), segment):
                result.add(finding)


def _broken(layout: Layout, since: Any) -> list[Any]:
    """Return the segments that do not vouch for their versions."""
    past = "sha256(string_agg(past, '' ORDER BY part, number))" if layout.changed else "NULL::bytea"
    known = "false" if layout.lost else "true"
    sql = _BROKEN.format(counted=_counted(layout), past=past, known=known)
    return [row["id"] for row in rows_of(sql, [layout.id, layout.table, since, MOST_FINDINGS])]


# Which version it is


def _explain(layout: Layout, counted: str, segment: Any) -> list[Finding]:
    (said,) = rows_of(_SEGMENT, [segment])
    versions = rows_of(_VERSIONS.format(counted=counted), [segment])
    if layout.lost:
        code = "removed" if len(versions) < said["rows"] else "inserted"
        what = f"Segment {segment} vouches for {said['rows']} versions, and there are {len(versions)}."
        return [Finding(code, layout.table, what)]
    after = [_wrong_after_erasure(layout, version) for version in versions if version["wrong"]]
    found = after or list(_differences(layout, said, versions))
    return found or [
        Finding("segment", layout.table, f"Segment {segment} does not vouch for what it says it does.")
    ]


def _wrong_after_erasure(layout: Layout, version: dict[str, Any]) -> Finding:
    what = (
        "was edited after it had been erased" if version["there"] else "was removed after it had been erased"
    )
    return _finding(layout, "edited" if version["there"] else "removed", version, what)


def _differences(layout: Layout, said: dict[str, Any], versions: list[dict[str, Any]]) -> Iterator[Finding]:
    """Lay what was written beside what is there; by the beginnings of digests, if there are several."""
    there = [bytes(version["now"]) for version in versions]
    if said["rows"] == 1:
        yield from _of_one(layout, said, versions)
        return
    leaves = bytes(said["leaves"] or b"")
    written = [leaves[at : at + _LEAF] for at in range(0, len(leaves), _LEAF)]
    steps = SequenceMatcher(None, written, [each[:_LEAF] for each in there], autojunk=False).get_opcodes()
    for _, first, last, begin, end in (step for step in steps if step[0] != "equal"):
        both = min(last - first, end - begin)
        for version in versions[begin : begin + both]:
            yield _finding(layout, "edited", version, "is not what was written")
        for version in versions[begin + both : end]:
            yield _finding(layout, "inserted", version, "was written by nobody")
        if last - first > both:
            yield _removed(layout, versions, begin + both, last - first - both)


def _of_one(layout: Layout, said: dict[str, Any], versions: list[dict[str, Any]]) -> Iterator[Finding]:
    if not versions:
        yield Finding("removed", layout.table, f"The version that segment {said['id']} vouches for is gone.")
    elif len(versions) == 1:
        yield _finding(layout, "edited", versions[0], "is not what was written")
    else:
        first = min(version["number"] for version in versions)
        for version in versions:
            if version["number"] != first:
                yield _finding(layout, "inserted", version, "was written by nobody")


def _removed(layout: Layout, versions: list[dict[str, Any]], at: int, count: int) -> Finding:
    before = versions[at - 1]["number"] if at else None
    after = versions[at]["number"] if at < len(versions) else None
    where = " and ".join(
        f"{word} version {number}" for word, number in (("after", before), ("before", after)) if number
    )
    return Finding("removed", layout.table, f"{count} of the versions written together are gone: {where}.")


def _finding(layout: Layout, code: str, version: dict[str, Any], what: str) -> Finding:
    part = next(each for each in layout.parts if each.rank == version["part"])
    row = _row_of(part.table, version["number"])
    return Finding(code, part.table, f"Version {version['number']} {what}.", version["number"], row)


def _row_of(table: str, number: int) -> str | None:
    """Return the key of the row that a version is of; None for links and for what is not there."""
    key = next((capture.key for _, capture in captures() if capture.history_table == table), None)
    if key is None:
        return None
    found = rows_of(f"SELECT {quoted(key)}::text AS row FROM {quoted(table)} WHERE history_id = %s", [number])  # noqa: S608
    return found[0]["row"] if found else None


# Versions that no segment knows


def verify_strays(result: Verification, since: Any) -> None:
    """Find versions whose segment is none, or none of their table; count those that were looked at."""
    for _, capture in captures():
        tables = {capture.history_table: quoted(capture.key)}
        tables |= {history: "NULL" for _, _, _, history in capture.links}
        for table, row in tables.items():
            dated = table == capture.history_table
            names = {
                "key": quoted("history_id" if dated else "m2m_history_id"), "row": row,
                "table": quoted(table), "name": literal(table),
                "date": "h.history_date" if dated else "now()",
            }  # fmt: skip
            (counted,) = rows_of(filled(_VERSIONS_SINCE, **names), [since])
            result.versions += counted["rows"]
            sql = filled(_STRAYS, **names)
            for stray in rows_of(sql, [since, MOST_FINDINGS]):
                what = f"Version {stray['number']} was written by nobody: no segment knows it."
                result.add(Finding("inserted", table, what, stray["number"], stray["row"]))
