"""Every version of a namespace in one order that never changes: read onward from a place in its chain.

Each statement leaves a segment in the ledger, in the transaction that wrote the versions; linking gives
segments that are committed a position, one linker at a time. So a position that was given is preceded by
nothing that is yet to come, whatever commits later: it comes behind (docs/decisions/0024).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Q

from smartmodels.context import current_schema
from smartmodels.exceptions import SmartModelsError
from smartmodels.history.ledger import ledger_model
from smartmodels.history.records import history_model
from smartmodels.history.timeline import number_before

__all__ = ["ChangesGone", "Part", "Place", "is_behind", "newest_place", "read_on"]

LINKED_AT_ONCE = 5_000
SEGMENTS_AT_ONCE = 500
_CHAIN_BYTES = 8


class ChangesGone(SmartModelsError):
    """The place that was read to is not in this history any more, as after a restore: begin anew."""

    code = "changes-gone"
    status = 410


@dataclass(frozen=True, slots=True)
class Place:
    """How far was read: to the end of the segment at ``position``, or to the version ``number`` in it.

    ``chain`` is the beginning of that segment's digest, by which a history that was replaced is noticed.
    """

    position: int = 0
    chain: bytes = b""
    number: int | None = None


Told = list[tuple[Place, Any]]
"""Versions (history rows) in order, each with its place."""


class Part(NamedTuple):
    """What was read, the place to read on from, and whether there is more already."""

    versions: Told
    place: Place
    more: bool


class _Segment(NamedTuple):
    position: int
    chain: bytes
    id: Any
    kind: str
    history_table: str
    rows: int
    written_at: Any
    operation_id: Any

    @property
    def place(self) -> Place:
        return Place(self.position, bytes(self.chain)[:_CHAIN_BYTES])


def _link() -> bool:
    """Give what was committed its positions; tell whether there may be more of it."""
    if not ledger_model("Segment").objects.filter(position=None).exists():
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT linked FROM public.smartmodels_link(%s, %s)", [current_schema(), LINKED_AT_ONCE]
        )
        return bool(cursor.fetchone()[0] == LINKED_AT_ONCE)


def newest_place() -> Place:
    """Return the place behind everything that is committed in the bound namespace."""
    while _link():
        pass
    last = _segments(ledger_model("Segment").objects.exclude(position=None).order_by("-position")[:1])
    return last[0].place if last else Place()


def is_behind(place: Place) -> bool:
    """Tell whether something was committed in the bound namespace since ``place``; one query."""
    unread = Q(position__gt=place.position) | Q(position=None)
    return place.number is not None or bool(ledger_model("Segment").objects.filter(unread).exists())


def _segments(rows: Any) -> list[_Segment]:
    return [_Segment(*row) for row in rows.values_list(*_Segment._fields)]


def read_on(place: Place, models: Iterable[Any], limit: int) -> Part:
    """Return the next versions of these models in the bound namespace, at most ``limit``.

    A part may be empty although there is more. Raises ChangesGone. Takes three queries and one per model
    with versions among them, whatever the number of versions.
    """
    left = _link()
    found = _segments(
        ledger_model("Segment")
        .objects.filter(position__gte=max(place.position, 1))
        .order_by("position")[: SEGMENTS_AT_ONCE + 1]
    )
    ahead = _behind(place, found)
    tables = {history_model(model)._meta.db_table: model for model in models}
    chosen = _chosen(ahead, tables, limit)
    told = _versions(chosen, tables, place, limit)
    more = left or len(found) > SEGMENTS_AT_ONCE or len(chosen) < len(ahead)
    if len(told) > limit:
        return Part(told[:limit], told[limit - 1][0], more=True)
    return Part(told, chosen[-1].place if chosen else place, more)


def _behind(place: Place, found: list[_Segment]) -> list[_Segment]:
    """Return the segments that are not read to their end; raise ChangesGone if the place is not there."""
    if not place.position:
        return found
    if not found or found[0].place != replace(place, number=None):
        raise ChangesGone("This namespace was restored to another history: read everything anew, and go on.")
    return found if place.number is not None else found[1:]


def _chosen(ahead: Sequence[_Segment], tables: Collection[str], limit: int) -> list[_Segment]:
    """Return the first segments that hold no more versions than ``limit``, or the first one alone."""
    chosen: list[_Segment] = []
    room = limit
    for segment in ahead[:SEGMENTS_AT_ONCE]:
        size = segment.rows if segment.kind == "write" and segment.history_table in tables else 0
        if chosen and size > room:
            break
        chosen.append(segment)
        room -= size
    return chosen


def _versions(chosen: Iterable[_Segment], tables: dict[str, Any], place: Place, limit: int) -> Told:
    by_table: dict[str, dict[Any, _Segment]] = {}
    for segment in chosen:
        if segment.kind == "write" and segment.history_table in tables:
            by_table.setdefault(segment.history_table, {})[segment.id] = segment
    found: Told = []
    for table, segments in by_table.items():
        rows = _of_segments(tables[table], segments).filter(_unread(place, segments.values()))
        found += [
            (replace(segments[version.segment_id].place, number=version.history_id), version)
            for version in rows[: limit + 1]
        ]
    return sorted(found, key=lambda each: (each[0].position, each[1].history_id))


def _unread(place: Place, segments: Iterable[_Segment]) -> Q:
    """Return the condition for versions behind the place, which may lie within a segment."""
    for segment in segments:
        if segment.position == place.position:
            return ~Q(segment_id=segment.id) | Q(history_id__gt=place.number)
    return Q()


def _of_segments(model: Any, segments: dict[Any, _Segment]) -> Any:
    """Return the versions of these segments; there is no index by segment, but by operation and time."""
    times = [each.written_at for each in segments.values()]
    operations = {each.operation_id for each in segments.values()}
    rows = model.history.filter(
        segment_id__in=segments, history_date__gte=min(times), history_date__lte=max(times)
    )
    if None not in operations:
        rows = rows.filter(operation_id__in=operations)
    return rows.annotate(number_before=number_before(model)).order_by("history_id")
