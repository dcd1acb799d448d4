"""Restore sets of rows: the exact inverse of their deletion (DESIGN H3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connections, router, transaction
from django.db.models import Case, F, Value, When

from smartmodels.context import Operation, operation, require_operation
from smartmodels.exceptions import RestoreConflict
from smartmodels.softdelete.collecting import as_keys
from smartmodels.softdelete.conflicts import as_conflict
from smartmodels.softdelete.finding import Seed, find_deleted
from smartmodels.softdelete.links import Tie, consume, remember, tie, ties
from smartmodels.softdelete.parents import RESTORING
from smartmodels.softdelete.relations import Fate, Link, Model, groups_below, in_lock_order, links_above
from smartmodels.softdelete.services import Deletion, frozen

__all__ = ["restore"]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as it was when it was locked: its deletion (None when it lives) and its links, by column."""

    deleted_in: Any
    is_deleted: bool
    links: dict[str, Any]


@dataclass(slots=True)
class _Plan:
    """What a restoration is about; ``coming`` is deletion by key, by model."""

    using: str
    coming: dict[Model, dict[Any, Any]] = field(default_factory=dict)
    left: dict[Model, set[Any]] = field(default_factory=dict)
    rows: dict[Model, dict[Any, _Row]] = field(default_factory=dict)
    ties: list[Tie] = field(default_factory=list)

    def size(self) -> int:
        """Return how many rows are coming."""
        return sum(map(len, self.coming.values()))

    def is_gone(self, link: Link, key: Any) -> bool:
        """Tell whether what a link points at is deleted and stays so."""
        target = self.rows.get(link.parent, {}).get(key)
        return target is not None and target.is_deleted and key not in self.coming.get(link.parent, {})


def restore(model: Model, keys: Iterable[Any], *, using: str | None = None) -> Deletion:
    """Undo the deletion of the rows, with exactly what each deletion took along and the links it cut.

    A row that needs one that is still deleted is not revived: as a child it is listed in ``left``, asked
    for itself it raises RestoreConflict, as does a value that a living row has taken meanwhile. Then
    nothing has changed. Rows that live stay as they are.
    """
    database = using or router.db_for_write(model)
    opened = require_operation()
    plan = _Plan(database)
    root = model._meta.concrete_model
    wanted = as_keys(root, keys)
    try:
        with transaction.atomic(using=database), operation(id=opened.id, actor=opened.actor):
            _find(root, wanted, plan)
            plan.ties = ties(plan.coming, database)
            _lock(plan)
            _look_again_for_ties(plan)
            _leave_orphans(plan)
            _refuse_stuck(root, wanted, plan)
            _write(plan, opened)
    except IntegrityError as error:
        raise as_conflict(error, plan.coming, database) from error
    return Deletion(frozen(plan.coming), frozen(plan.left))


def _find(root: Model, wanted: set[Any], plan: _Plan) -> None:
    """Find the deleted rows that ``wanted`` and their deletions lead to, without locking them yet."""
    for group in groups_below(root):
        size = -1
        while size < plan.size():
            size = plan.size()
            for current in group:
                _find_in(current, wanted if current is root else set(), plan)
            if len(group) == 1:
                break


def _find_in(model: Model, wanted: set[Any], plan: _Plan) -> None:
    seeds = [Seed(model._meta.pk.column, wanted)] if wanted else []
    for link in links_above(model):
        if link.fate is not Fate.GOES or link.parent is model:
            continue
        by_deletion: dict[Any, list[Any]] = {}
        for key, deleted_in in plan.coming.get(link.parent, {}).items():
            by_deletion.setdefault(deleted_in, []).append(key)
        seeds += [Seed(link.field.column, keys, deletion) for deletion, keys in by_deletion.items()]
    if not seeds:
        return
    columns = [link.field.column for link in links_above(model)]
    for pk, deleted_in, *linked in find_deleted(model, seeds, plan.using):
        plan.coming.setdefault(model, {})[pk] = deleted_in
        plan.rows.setdefault(model, {})[pk] = _Row(deleted_in, True, dict(zip(columns, linked, strict=True)))


def _lock(plan: _Plan) -> None:
    """Lock what is coming, what it needs and what gets a link back; then see what is still as it was.

    Everybody locks parents before children and rows by key. Not FOR UPDATE: others may add children.
    """
    keys: dict[Model, set[Any]] = {model: set(rows) for model, rows in plan.coming.items()}
    for model, rows in plan.rows.items():
        for link in links_above(model):
            linked = {row.links[link.field.column] for row in rows.values()} - {None}
            if linked:
                keys.setdefault(link.parent, set()).update(linked)
    for made in plan.ties:
        keys.setdefault(made.link.child, set()).update(made.rows())
    plan.rows = {model: _locked(model, keys[model], plan.using) for model in in_lock_order(keys)}
    for model, deletions in plan.coming.items():
        locked = plan.rows[model]
        plan.coming[model] = {
            pk: deletion
            for pk, deletion in deletions.items()
            if pk in locked and locked[pk].is_deleted and locked[pk].deleted_in == deletion
        }


def _look_again_for_ties(plan: _Plan) -> None:
    """Add the links that a restoration cut, while this one waited for it, from a row that it brought back."""
    plan.ties = ties(plan.coming, plan.using)
    for made in plan.ties:
        known = plan.rows.setdefault(made.link.child, {})
        if new := made.rows() - set(known):
            known.update(_locked(made.link.child, new, plan.using))


def _locked(model: Model, keys: set[Any], using: str) -> dict[Any, _Row]:
    links = links_above(model)
    names = [link.field.attname for link in links]
    columns = [link.field.column for link in links]
    rows = model.all_objects.using(using).filter(pk__in=keys).order_by("pk").select_for_update(no_key=True)
    return {
        pk: _Row(deleted_in, deleted_at is not None, dict(zip(columns, linked, strict=True)))
        for pk, deleted_at, deleted_in, *linked in rows.values_list("pk", "deleted_at", "deleted_in", *names)
    }


def _leave_orphans(plan: _Plan) -> None:
    """Move from ``coming`` to ``left`` what needs a row that stays deleted, until nothing more does."""
    size = -1
    while size != plan.size():
        size = plan.size()
        for model in in_lock_order(plan.coming):
            needed = [link for link in links_above(model) if link.fate is not Fate.CUT]
            coming, rows = plan.coming[model], plan.rows[model]
            orphans = [
                pk
                for pk in coming
                if any(plan.is_gone(link, rows[pk].links[link.field.column]) for link in needed)
            ]
            for pk in orphans:
                del coming[pk]
                plan.left.setdefault(model, set()).add(pk)


def _refuse_stuck(root: Model, wanted: set[Any], plan: _Plan) -> None:
    stuck = wanted & plan.left.get(root, set())
    if stuck:
        raise RestoreConflict(
            f"{len(stuck)} of the rows belong to something that is still deleted: restore that first.",
            model=root._meta.label,
            keys=sorted(map(str, stuck)),
        )


def _write(plan: _Plan, opened: Operation) -> None:
    with _parents_checked(plan.using):
        for model in in_lock_order(plan.coming):
            coming = plan.coming[model]
            if not coming:
                continue
            values = {"deleted_at": None, "deleted_in": None, **model.values_on_restore(opened)}
            values |= _without_gone(model, plan)
            model.all_objects.using(plan.using).filter(pk__in=list(coming)).update(**values)
    for made in plan.ties:
        column, empty = made.link.field.column, made.link.value_when_cut
        rows = plan.rows[made.link.child]
        free = [pk for pk in made.rows() if pk in rows and rows[pk].links[column] == empty]
        tie(made, free, plan.coming[made.link.parent], plan.using)
    consume(plan.ties, plan.coming, plan.using)


@contextmanager
def _parents_checked(using: str) -> Iterator[None]:
    """Say that all parents of what is revived are locked and live, so that no trigger looks once more."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'checked', true)", [RESTORING])
        yield
        # After an error there is nothing to say: the setting goes with what was written.
        cursor.execute("SELECT set_config(%s, '', true)", [RESTORING])


def _without_gone(model: Model, plan: _Plan) -> dict[str, Any]:
    """Return what cuts the links to rows that were deleted since, so that their restoration ties them."""
    values = {}
    for link in links_above(model):
        rows = plan.rows[model]
        gone = [pk for pk in plan.coming[model] if plan.is_gone(link, rows[pk].links[link.field.column])]
        if gone:
            remember(link, gone, plan.using)
            name = link.field.attname
            cut = When(pk__in=gone, then=Value(link.value_when_cut))
            values[name] = Case(cut, default=F(name), output_field=link.field.target_field)
    return values
