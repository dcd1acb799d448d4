"""What the digests of segments cover, against the columns that there are now."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Model

from smartmodels.history.capture import HistoryCapture, digest_of, layout_key
from smartmodels.history.evidence.snapshots import rows_of
from smartmodels.tenancy.placement import tenant_models
from smartmodels.tenancy.triggers import quoted

__all__ = ["Layout", "Part", "captures", "layouts"]

_COLUMNS = """
    SELECT c.relname AS name,
        jsonb_object_agg(a.attname, format_type(a.atttypid, a.atttypmod))::text AS columns
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
    WHERE c.relkind IN ('r', 'p') GROUP BY c.relname
"""
_LAYOUTS = """
    SELECT used.layout_id AS id, used.history_table, used.segments, l.tables::text, l.types::text
    FROM (
        SELECT layout_id, history_table, count(*) AS segments FROM ledger_segment
        WHERE kind = 'write' AND written_at >= %s GROUP BY 1, 2
    ) used LEFT JOIN ledger_layout l ON l.id = used.layout_id ORDER BY used.history_table, used.layout_id
"""


def captures() -> list[tuple[type[Model], HistoryCapture]]:
    """Return every tracked model with the constraint that captures it."""
    return [
        (model, constraint)
        for model in tenant_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, HistoryCapture)
    ]


@dataclass(frozen=True, slots=True)
class Part:
    """A table of a layout: its rank, its key, the digest of its rows as SQL, now and with their old types."""

    rank: int
    table: str
    key: str
    now: str
    then: str


@dataclass(frozen=True, slots=True)
class Layout:
    """What the digests of some segments cover.

    ``lost`` names columns that are there no more, ``is_complete`` says that at least all tables are, and
    ``is_genuine`` that it is the one its id was computed of.
    """

    id: Any
    table: str
    segments: int
    parts: tuple[Part, ...]
    lost: tuple[str, ...]
    is_complete: bool
    is_genuine: bool

    @property
    def changed(self) -> bool:
        """Tell whether a column had another type when it was first hashed."""
        return any(part.then != part.now for part in self.parts)

    def as_now(self) -> Layout:
        """Return the layout without the old types."""
        return replace(self, parts=tuple(replace(part, then=part.now) for part in self.parts))


# Types as format_type() writes those whose values a migration may have kept; others are not cast back to.
_TYPE = re.compile(r"[a-z ]+(\(\d+(,\d+)?\))?( with(out)? time zone)?(\[\])?")


def _written(column: str, then: str | None, now: str) -> str:
    """Return a column as its old type wrote it, where that says all that stands there now; else as it is.

    Nothing vouches for the old type, so what it would cut off or round must count.
    """
    name = quoted(column)
    if then is None or then == now or not _TYPE.fullmatch(then):
        return name
    # By format(), as ROW writes values: a cast to text writes some types otherwise.
    return (
        f"CASE WHEN {name} IS NULL THEN NULL "
        f"WHEN record_image_eq(ROW(({name}::{then})::{now}), ROW({name})) THEN format('%s', {name}::{then}) "
        f"ELSE format('%s', {name}) END"
    )


def _layout(row: dict[str, Any], there: dict[str, dict[str, str]]) -> Layout:
    main: str = row["history_table"]
    tables, types = json.loads(row["tables"] or "{}"), json.loads(row["types"] or "{}")
    genuine = layout_key(tables) == str(row["id"])
    ordered = [main, *sorted(set(tables) - {main})]
    parts, lost = [], []
    for rank, table in enumerate(ordered):
        groups, types_now = tables.get(table, []), there.get(table, {})
        lost += [f"{table}.{column}" for group in groups for column in group if column not in types_now]
        kept = [[column for column in group if column in types_now] for group in groups]
        if any(kept):
            types_then = types.get(table, {})
            now = (map(quoted, group) for group in kept)
            then = (
                (_written(each, types_then.get(each), types_now[each]) for each in group) for group in kept
            )
            parts.append(
                Part(rank, table, groups[0][0], *(digest_of(*map(", ".join, sql)) for sql in (now, then)))
            )
    return Layout(
        row["id"], main, row["segments"], tuple(parts), tuple(lost), len(parts) == len(ordered), genuine
    )


def layouts(since: Any) -> list[Layout]:
    """Return the layouts of the segments written from then on, with what became of their columns."""
    there = {row["name"]: json.loads(row["columns"]) for row in rows_of(_COLUMNS)}
    return [_layout(row, there) for row in rows_of(_LAYOUTS, [since])]
