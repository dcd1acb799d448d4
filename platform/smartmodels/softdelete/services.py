"""Delete and restore sets of rows: one UPDATE per model, in one transaction (DESIGN H3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, models, router, transaction
from django.db.models import CASCADE, PROTECT, RESTRICT, Q
from django.utils import timezone

from smartmodels.context import operation, require_operation
from smartmodels.exceptions import ProtectedRows, RestoreConflict

__all__ = ["Deletion", "restore", "soft_delete"]

Model = Any  # a concrete subclass of SoftDeleteModel, which imports this module
Rows = dict[Model, set[Any]]


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a deletion or restoration changed: keys by model; ``left`` are rows that could not come along."""

    rows: Mapping[Model, frozenset[Any]]
    left: Mapping[Model, frozenset[Any]] = field(default_factory=dict)

    def as_counts(self) -> tuple[int, dict[str, int]]:
        """Return (total, by label), the form of Django's own ``delete()``."""
        counts = {model._meta.label: len(keys) for model, keys in self.rows.items() if keys}
        return sum(counts.values()), counts


def _relations(model: Model, *kinds: Any) -> list[Any]:
    """Return the reverse foreign keys of soft-deletable models whose ``on_delete`` is one of ``kinds``."""
    return [
        relation
        for relation in model._meta.related_objects
        if getattr(relation, "on_delete", None) in kinds
        and hasattr(relation.related_model, "deleted_in")
        and not relation.related_model._meta.proxy
    ]


def _children(relation: Any, keys: Iterable[Any], using: str) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = relation.related_model.all_objects.using(using)
    return rows.filter(**{f"{relation.field.name}__in": keys})


def _collect(model: Model, keys: Iterable[Any], using: str) -> Rows:
    """Find, and lock, the living rows that go when ``keys`` of ``model`` go."""
    found: Rows = {}
    frontier: list[tuple[Model, Iterable[Any]]] = [(model, keys)]
    while frontier:
        current, wanted = frontier.pop(0)
        living = current.all_objects.using(using).filter(pk__in=wanted, deleted_at__isnull=True)
        fresh = set(living.select_for_update().order_by("pk").values_list("pk", flat=True))
        fresh -= found.get(current, set())
        if not fresh:
            continue
        found.setdefault(current, set()).update(fresh)
        for relation in _relations(current, CASCADE):
            below = _children(relation, fresh, using).filter(deleted_at__isnull=True)
            frontier.append((relation.related_model, list(below.values_list("pk", flat=True))))
    return found


def _refuse_protected(found: Rows, using: str) -> None:
    """Raise ProtectedRows when living rows that stay point at rows that go."""
    for model, keys in found.items():
        for relation in _relations(model, PROTECT, RESTRICT):
            holding = _children(relation, keys, using).filter(deleted_at__isnull=True)
            holders = set(holding.values_list("pk", flat=True)) - found.get(relation.related_model, set())
            if holders:
                label = relation.related_model._meta.verbose_name_plural
                raise ProtectedRows(
                    f"{len(holders)} {label} still point here and protect it: delete or re-point them first.",
                    model=relation.related_model._meta.label,
                    keys=sorted(map(str, holders))[:100],
                )


def soft_delete(model: Model, keys: Iterable[Any], *, using: str | None = None) -> Deletion:
    """Mark the rows and everything that cascades from them as deleted.

    Rows that are deleted already stay as they are. Raises ProtectedRows, and then nothing has changed.
    """
    database = using or router.db_for_write(model)
    opened = require_operation()
    with transaction.atomic(using=database):
        found = _collect(model, keys, database)
        _refuse_protected(found, database)
        for current, pks in found.items():
            values = {
                "deleted_at": timezone.now(),
                "deleted_in": opened.id,
                **current.values_on_delete(opened),
            }
            rows = current.all_objects.using(database).filter(pk__in=pks)
            rows.update(**values)
    return Deletion({current: frozenset(pks) for current, pks in found.items()})


def _deleted_parent(model: Model, using: str, coming: Rows) -> Q:
    """Return the condition under which a row cannot live: a parent it cascades from stays deleted."""
    orphaned = Q(pk__in=[])
    for parent_field in model._meta.concrete_fields:
        remote = parent_field.remote_field
        if remote is None or remote.on_delete is not CASCADE or not hasattr(remote.model, "deleted_in"):
            continue
        dead = remote.model.all_objects.using(using).filter(deleted_at__isnull=False)
        dead = dead.exclude(pk__in=coming.get(remote.model, set()))
        orphaned |= Q(**{f"{parent_field.name}__in": dead.values("pk")})
    return orphaned


def _lock_parents(model: Model, keys: Iterable[Any], using: str, coming: Rows) -> None:
    """Wait for whoever is deleting a parent of the rows, and keep the parents until the transaction ends."""
    for parent_field in model._meta.concrete_fields:
        remote = parent_field.remote_field
        if remote is None or remote.on_delete is not CASCADE or not hasattr(remote.model, "deleted_in"):
            continue
        above = model.all_objects.using(using).filter(pk__in=keys).values(parent_field.attname)
        parents = remote.model.all_objects.using(using).filter(pk__in=above)
        parents = parents.exclude(pk__in=coming.get(remote.model, set())).order_by("pk")
        # Not FOR UPDATE: others may go on adding children.
        list(parents.select_for_update(no_key=True).values_list("pk", flat=True))


def _bring_back(model: Model, keys: Iterable[Any], using: str, coming: Rows, left: Rows) -> None:
    """Add to ``coming`` the rows of ``keys`` that can live, then what was deleted together with them."""
    _lock_parents(model, keys, using, coming)
    rows = model.all_objects.using(using).filter(pk__in=keys, deleted_at__isnull=False)
    orphans = set(rows.filter(_deleted_parent(model, using, coming)).values_list("pk", flat=True))
    if orphans:
        left.setdefault(model, set()).update(orphans)
    by_operation: dict[Any, set[Any]] = {}
    for pk, deleted_in in rows.exclude(pk__in=orphans).select_for_update().values_list("pk", "deleted_in"):
        if pk not in coming.get(model, set()):
            by_operation.setdefault(deleted_in, set()).add(pk)
    for pks in by_operation.values():
        coming.setdefault(model, set()).update(pks)
    for deleted_in, pks in by_operation.items():
        for relation in _relations(model, CASCADE):
            below = _children(relation, pks, using).filter(deleted_in=deleted_in, deleted_at__isnull=False)
            _bring_back(relation.related_model, list(below.values_list("pk", flat=True)), using, coming, left)


def restore(model: Model, keys: Iterable[Any], *, using: str | None = None) -> Deletion:
    """Undo the deletion of the rows, with exactly what each deletion took along.

    A row whose parent is still deleted is not revived: as a child it is listed in ``left``, asked for
    itself it raises RestoreConflict, as does a value that a living row has taken meanwhile. Then
    nothing has changed.
    """
    database = using or router.db_for_write(model)
    opened = require_operation()
    wanted = list(keys)
    coming: Rows = {}
    left: Rows = {}
    with transaction.atomic(using=database), operation(actor=opened.actor):
        _bring_back(model, wanted, database, coming, left)
        if stuck := set(wanted) & left.get(model, set()):
            raise RestoreConflict(
                f"{len(stuck)} of the rows belong to something that is still deleted: restore that first.",
                keys=sorted(map(str, stuck)),
            )
        for current, pks in coming.items():
            values = {"deleted_at": None, "deleted_in": None, **current.values_on_restore(opened)}
            rows = current.all_objects.using(database).filter(pk__in=pks)
            try:
                with transaction.atomic(using=database):
                    rows.update(**values)
            except IntegrityError as error:
                raise RestoreConflict(
                    f"A living {current._meta.verbose_name} has taken a value that must be unique: "
                    "change that one, then restore again.",
                    model=current._meta.label,
                    keys=sorted(map(str, pks)),
                ) from error
    return Deletion(
        {current: frozenset(pks) for current, pks in coming.items()},
        {current: frozenset(pks) for current, pks in left.items()},
    )
