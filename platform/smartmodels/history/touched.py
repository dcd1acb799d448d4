"""Read the rows that a selection of versions touched, a fixed number of queries per model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections, router
from django.db.models import Count, Exists, F, Max, Min, OuterRef

from smartmodels.exceptions import InvalidInput
from smartmodels.history.ledger import ledger_model
from smartmodels.history.records import history_model
from smartmodels.history.selecting import Selection
from smartmodels.history.states import ABSENT, Delta, RowState, fold
from smartmodels.history.tracking import readable, revertible_fields, tracked_links

__all__ = ["ROWS_MAX", "Touched", "live_states", "newest_versions", "read_touched", "version_states"]

ROWS_MAX = 200_000
"""The most rows that one plan may hold, so that it fits into memory."""

_CHUNK = 5_000

_BY_TIME = 7
"""The version of UUIDs that begin with the time, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A row, what the selected versions changed in it, what they left and what it is now.

    ``newest`` is the number of its newest version, ``earlier`` are those that values may be taken from.
    ``forgotten`` tells that no version says what the row was before: ``delta`` is what is still known.
    ``erased`` are the numbers of versions whose values were overwritten.
    """

    model: Any
    pk: Any
    delta: Delta
    left: RowState
    now: RowState
    newest: int
    earlier: tuple[RowState, ...] = ()
    forgotten: bool = False
    erased: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Span:
    """Numbers of versions of one row, and how many there are from the first to the last selected one."""

    pk: Any
    first: int
    last: int
    selected: int
    before: int | None = None
    newest: int = 0
    between: int = 0


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def key_type(model: Any, using: str) -> str:
    """Return the type of the model's key as PostgreSQL calls it."""
    return str(model._meta.pk.rel_db_type(connections[using]))


def chunks(keys: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut keys into lists that one statement can hold well."""
    listed = list(keys)
    return (listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK))


def _spans(model: Any, selection: Selection, room: int) -> list[_Span]:
    rows = history_model(model).objects.filter(selection.condition).order_by()
    grouped = rows.values_list(model._meta.pk.attname).annotate(
        Min("history_id"), Max("history_id"), Count("history_id")
    )
    found = [_Span(*row) for row in grouped[: room + 1]]
    if len(found) > room:
        raise InvalidInput(
            f"More than {ROWS_MAX} rows would have to be looked at: revert in smaller parts, "
            "such as operation by operation."
        )
    return found


_NEIGHBOURS = """
SELECT k.key, n.before, n.newest, n.between
FROM unnest(%s::{type}[], %s::bigint[], %s::bigint[]) AS k(key, first, last)
CROSS JOIN LATERAL (
    SELECT max(h.history_id) FILTER (WHERE h.history_id < k.first) AS before, max(h.history_id) AS newest,
        count(*) FILTER (WHERE h.history_id BETWEEN k.first AND k.last) AS between
    FROM {history} h WHERE h.{key} = k.key
) n
"""


def _neighbours(model: Any, spans: list[tuple[Any, int, int]]) -> dict[Any, tuple[Any, int, int]]:
    """Return for (key, first, last): the version before, the newest one, how many from first to last."""
    history, using = history_model(model), router.db_for_write(model)
    sql = _NEIGHBOURS.format(
        type=key_type(model, using),
        history=_quoted(history._meta.db_table),
        key=_quoted(model._meta.pk.column),
    )
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [list(column) for column in zip(*spans, strict=True)])
        return {key: tuple(rest) for key, *rest in cursor.fetchall()}


def newest_versions(model: Any, keys: Iterable[Any]) -> dict[Any, int]:
    """Return the number of the newest version of each row."""
    spans = [(key, 0, 0) for key in keys]
    return {key: row[1] for key, row in _neighbours(model, spans).items()} if spans else {}


def _existence(kind: str, deleted_at: Any, action: str) -> Any:
    if kind == "-" and (deleted_at is None or action == "purge"):
        return "absent"
    return "living" if deleted_at is None else "deleted"


def _begins(kind: str, action: str, operation: Any, created: Any) -> bool:
    """Tell whether a version is the first that its row ever had.

    An operation that names its own action hides whether it made the row or brought it back; a row that is
    not older than the operation was made by it.
    """
    if action == "create":
        return kind in ("+", "-")
    if kind != "+" or action == "restore" or operation is None or created is None:
        return False
    opened: int | None = operation.int >> 80 if operation.version == _BY_TIME else None
    return opened is not None and created.timestamp() * 1000 >= opened


def _was(kind: str, action: str, existence: Any, deleted_at: Any) -> Any:
    """Return whether the row was there before a version, as far as the version tells."""
    if existence == "absent":
        return "living" if deleted_at is None else "deleted"
    if kind == "+":
        return "deleted"
    return "living" if kind == "-" and action not in ("update", "create") else existence


def _erased(model: Any) -> Exists:
    """Return the condition that values of a version were overwritten."""
    table = history_model(model)._meta.db_table
    rows = ledger_model("Erasure").objects.filter(history_table=table, number=OuterRef("history_id"))
    return Exists(rows.filter(digest_after__isnull=False).exclude(digest_after=F("digest_before")))


def version_states(model: Any, numbers: Iterable[int]) -> dict[int, RowState]:
    """Return what each version says about its row, links included."""
    wanted = sorted(set(numbers))
    found: dict[int, RowState] = {}
    columns = [field.attname for field in history_model(model).tracked_fields]
    for part in chunks(wanted):
        rows, names = readable(history_model(model).objects.filter(history_id__in=part).order_by(), model)
        told = rows.annotate(erased_since=_erased(model)).values_list(
            "history_id", "segment_id", "erased_since", "history_type", "action", "operation_id", *names
        )
        for number, segment, erased, kind, action, operation, *read in told:
            values = dict(zip(columns, read, strict=True))
            deleted_at = values.get("deleted_at")
            existence = _existence(kind, deleted_at, action)
            found[number] = RowState(
                existence, values, {}, number, segment,
                begins=_begins(kind, action, operation, values.get("created_at")),
                was=_was(kind, action, existence, deleted_at), erased=erased,
            )  # fmt: skip
    for link in tracked_links(model):
        linked = _linked(link.history, "history_id", link.target_field, wanted)
        for number, state in found.items():
            found[number] = replace(
                state, links={**state.links, link.name: frozenset(linked.get(number, ()))}
            )
    return found


def _linked(through: Any, source: str, target_field: str, keys: Iterable[Any]) -> dict[Any, set[Any]]:
    target = through._meta.get_field(target_field).attname
    found: dict[Any, set[Any]] = {}
    for part in chunks(keys):
        rows = through._base_manager.filter(**{f"{source}__in": part})
        for key, other in rows.values_list(source, target):
            found.setdefault(key, set()).add(other)
    return found


def live_states(model: Any, keys: Iterable[Any]) -> dict[Any, RowState]:
    """Return the rows as they are now, links included; purged ones are not among them."""
    wanted = list(keys)
    found: dict[Any, RowState] = {}
    columns = [field.attname for field in history_model(model).tracked_fields]
    place = columns.index(model._meta.pk.attname)
    for part in chunks(wanted):
        rows, names = readable(model.all_objects.filter(pk__in=part).order_by(), model)
        for read in rows.values_list(*names):
            values = dict(zip(columns, read, strict=True))
            alive = values.get("deleted_at") is None
            found[read[place]] = RowState("living" if alive else "deleted", values)
    for link in tracked_links(model):
        source = link.through._meta.get_field(link.source_field).attname
        linked = _linked(link.through, source, link.target_field, wanted)
        for key, state in found.items():
            found[key] = replace(state, links={**state.links, link.name: frozenset(linked.get(key, ()))})
    return found


def _numbers_of(model: Any, spans: list[_Span], selection: Selection) -> dict[Any, list[tuple[int, bool]]]:
    """Return for each row the versions that matter, in order, and whether they are selected.

    Where nobody else wrote in between, the last selected version stands for all of them.
    """
    found: dict[Any, list[tuple[int, bool]]] = {}
    mixed = []
    for span in spans:
        found[span.pk] = [(span.last, True)]
        if span.between != span.selected:
            mixed.append(span)
    if mixed:
        history, key = history_model(model).objects.order_by("history_id"), model._meta.pk.attname
        rows = history.filter(**{f"{key}__in": [span.pk for span in mixed]})
        chosen = set(rows.filter(selection.condition).values_list("history_id", flat=True))
        limits = {span.pk: span for span in mixed}
        for span in mixed:
            found[span.pk] = []
        for pk, number in rows.values_list(key, "history_id"):
            if limits[pk].first <= number <= limits[pk].last:
                found[pk].append((number, number in chosen))
    return found


def read_touched(model: Any, selection: Selection, room: int = ROWS_MAX) -> list[Touched]:
    """Return the rows of ``model`` that the selection touched, in the order of their keys.

    Raises InvalidInput for more than ``room`` rows.
    """
    bare = _spans(model, selection, room)
    if not bare:
        return []
    beside = _neighbours(model, [(span.pk, span.first, span.last) for span in bare])
    spans = [
        replace(span, before=beside[span.pk][0], newest=beside[span.pk][1], between=beside[span.pk][2])
        for span in bare
    ]
    numbers = _numbers_of(model, spans, selection)
    needed = {number for listed in numbers.values() for number, _ in listed}
    needed |= {span.first if span.before is None else span.before for span in spans}
    states = version_states(model, needed)
    live = live_states(model, [span.pk for span in spans])
    columns = [field.attname for field in revertible_fields(model)]
    found = []
    for span in sorted(spans, key=lambda each: str(each.pk)):
        before = _before(span, states)
        now = live.get(span.pk, ABSENT)
        left = states[span.last]
        if now is ABSENT and span.last == span.newest:
            left = replace(left, existence="absent")
        states[span.last] = left
        run = [(states[number], chosen) for number, chosen in numbers[span.pk]]
        delta = fold([(before, False), *run], columns)
        earlier = _earlier(delta, states)
        found.append(
            Touched(
                model, span.pk, delta, left, now, span.newest, earlier,
                forgotten=span.before is None and not states[span.first].begins,
                erased=frozenset(state.version for state in earlier if state.erased and state.version),
            )
        )  # fmt: skip
    return found


def _before(span: _Span, states: Mapping[int, RowState]) -> RowState:
    """Return the row before the first selected version; of a forgotten one, no more than that tells."""
    if span.before is not None:
        return states[span.before]
    first = states[span.first]
    return ABSENT if first.begins else replace(first, existence=first.was)


def _earlier(delta: Delta, states: Mapping[int, RowState]) -> tuple[RowState, ...]:
    numbers = {source for _, source, _ in delta.fields.values()}
    if delta.existence is not None:
        numbers.add(delta.existence[0].version)
    return tuple(states[number] for number in numbers if number is not None)
