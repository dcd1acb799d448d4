"""Remove deleted rows for good: by hand, or when their model has kept them long enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import router, transaction
from django.db.models import QuerySet
from django.db.models.deletion import Collector, ProtectedError, RestrictedError
from django.utils import timezone

from smartmodels.context import operation, require_operation
from smartmodels.exceptions import PurgeRefused
from smartmodels.querysets import sees_everything
from smartmodels.softdelete.collecting import as_keys
from smartmodels.softdelete.links import forget_links
from smartmodels.softdelete.others import refuse_others
from smartmodels.softdelete.relations import Model, in_lock_order, is_smart

__all__ = [
    "Purge",
    "expired",
    "purge",
    "purge_expired",
    "refuse_purge_of_others",
    "retention_of",
    "smart_models",
]

_BATCH = 200
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Purge:
    """What was removed, as numbers of rows by model, and what was not: keys, and what protects them."""

    model: Model
    removed: Mapping[Model, int] = field(default_factory=dict)
    protected: frozenset[Any] = frozenset()
    protected_by: Mapping[Model, int] = field(default_factory=dict)

    def total(self) -> int:
        """Return how many rows were removed, those that went along included."""
        return sum(self.removed.values())


class _Protected(Exception):
    """Rows that stay forbid the removal."""

    def __init__(self, rows: Iterable[Any]) -> None:
        super().__init__()
        self.by = Counter(type(row) for row in rows)


def smart_models() -> list[Model]:
    """Return every smart model, children before the parents they point at: the order of removal."""
    return in_lock_order(model for model in apps.get_models() if is_smart(model))[::-1]


def retention_of(model: Model) -> timedelta | None:
    """Return how long ``class Smart:`` of a model has its deleted rows kept; None is forever."""
    return getattr(getattr(model, "smart", None), "retention", None)


def expired(
    model: Model,
    now: datetime | None = None,
    *,
    older_than: timedelta | None = None,
    using: str | None = None,
) -> QuerySet[Any]:
    """Return the rows of the bound namespace that were deleted longer ago than they are kept.

    ``older_than`` is used instead of the model's retention. Without either nothing expires.
    """
    rows: QuerySet[Any] = model.all_objects.using(using).order_by("deleted_at", "pk")
    period = retention_of(model) if older_than is None else older_than
    if period is None:
        return rows.none()
    return rows.filter(deleted_at__isnull=False, deleted_at__lte=(now or timezone.now()) - period)


def purge(model: Model, keys: Iterable[Any], *, using: str | None = None) -> Purge:
    """Remove deleted rows for good, with the rows that cascade from them; history keeps that they existed.

    Rows that others protect (PROTECT, RESTRICT, or living rows below them) stay and are reported. Raises
    PurgeRefused when one of ``keys`` lives, and NotPermitted in private mode when rows of others would go;
    then nothing has changed. Keys of no row are ignored.
    """
    current = model._meta.concrete_model
    database = using or router.db_for_write(current)
    opened = require_operation()
    wanted = as_keys(current, keys)
    with transaction.atomic(using=database), operation(id=opened.id, actor=opened.actor):
        rows = current.all_objects.using(database).filter(pk__in=wanted).order_by("pk")
        states = list(rows.select_for_update().values_list("pk", "deleted_at"))
        if living := [str(pk) for pk, deleted_at in states if deleted_at is None]:
            raise PurgeRefused(
                f"{len(living)} of the {current._meta.verbose_name_plural} live: delete them first.",
                model=current._meta.label,
                keys=living[:_SHOWN],
            )
        return _merged(current, _purge_some(current, [pk for pk, _ in states], database))


def _purge_some(model: Model, keys: list[Any], using: str) -> Iterator[Purge]:
    """Remove all of them at once; where that is forbidden, each half on its own."""
    if not keys:
        return
    try:
        with transaction.atomic(using=using):
            yield Purge(model, _remove(model, keys, using))
            return
    except _Protected as refusal:
        if len(keys) == 1:
            yield Purge(model, protected=frozenset(keys), protected_by=refusal.by)
            return
    middle = len(keys) // 2
    yield from _purge_some(model, keys[:middle], using)
    yield from _purge_some(model, keys[middle:], using)


def _remove(model: Model, keys: list[Any], using: str) -> dict[Model, int]:
    rows = model.all_objects.using(using).filter(pk__in=keys)
    collector: Any = Collector(using=using, origin=rows)
    try:
        collector.collect(rows)
    except ProtectedError as error:
        raise _Protected(error.protected_objects) from error
    except RestrictedError as error:
        raise _Protected(error.restricted_objects) from error
    going = _going(collector)
    _refuse_others(collector, using)
    if living := [row for found in going.values() for row in found if row.deleted_at is None]:
        raise _Protected(living)
    # Django takes the keys off the rows that it removes.
    keys_by_model = {current: [row.pk for row in found] for current, found in going.items() if found}
    collector.delete()
    for current, gone in keys_by_model.items():
        forget_links(current, gone, using)
    return {current: len(gone) for current, gone in keys_by_model.items()}


def _going(collector: Any) -> dict[Model, list[Any]]:
    """Return the rows of smart models that Django is about to remove."""
    found = {model: list(rows) for model, rows in collector.data.items() if is_smart(model)}
    for rows in collector.fast_deletes:
        if is_smart(rows.model):
            # Their keys are all that is asked of them.
            found.setdefault(rows.model, []).extend(rows.only("pk", "deleted_at"))
    return found


def refuse_purge_of_others(rows: Any, using: str) -> None:
    """Raise NotPermitted, in private mode, when rows of others would be removed or changed with ``rows``."""
    if sees_everything():
        return
    collector: Any = Collector(using=using, origin=rows)
    collector.collect(rows)
    _refuse_others(collector, using)


def _refuse_others(collector: Any, using: str) -> None:
    if sees_everything():
        return
    found = [{model: [row.pk for row in rows]} for model, rows in _going(collector).items()]
    for (changed, _), groups in collector.field_updates.items():
        if is_smart(changed.model):
            found += [{changed.model: [row.pk for row in group]} for group in groups]
    refuse_others(found, using)


def _merged(model: Model, parts: Iterable[Purge]) -> Purge:
    removed: Counter[Any] = Counter()
    by: Counter[Any] = Counter()
    protected: set[Any] = set()
    for part in parts:
        removed.update(part.removed)
        by.update(part.protected_by)
        protected |= part.protected
    return Purge(model, dict(removed), frozenset(protected), dict(by))


def purge_expired(
    models: Iterable[Model],
    *,
    now: datetime | None = None,
    older_than: timedelta | None = None,
    progress: Callable[[Model, int], None] | None = None,
) -> list[Purge]:
    """Remove what has expired in the bound namespace, children first, in batches of one transaction each.

    ``progress`` is called after each batch with the model and how many of its rows were looked at so far.
    """
    moment = now or timezone.now()
    wanted, done = set(models), []
    for model in (each for each in smart_models() if each in wanted):
        keys = list(expired(model, moment, older_than=older_than).values_list("pk", flat=True))
        parts = []
        for first in range(0, len(keys), _BATCH):
            parts.append(purge(model, keys[first : first + _BATCH]))
            if progress is not None:
                progress(model, min(first + _BATCH, len(keys)))
        done.append(_merged(model, parts))
    return done
