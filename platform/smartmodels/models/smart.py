"""SmartModel: a row that is tracked, soft-deletable, owned and revertible."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, ClassVar

from django.conf import settings as django_settings
from django.db import connection, models, transaction
from django.db.models import F, Q
from django.utils import timezone

from smartmodels.conf import settings
from smartmodels.context import Operation, current_schema, require_operation
from smartmodels.exceptions import NotPermitted, RowNotFound
from smartmodels.history import SmartHistory, refuse_past
from smartmodels.models.inserting import needed_fields
from smartmodels.models.options import SmartBase, SmartOptions
from smartmodels.ownership import sentinel_id
from smartmodels.querysets import HOLDERS, can_be_copied, check_instance, copy_rows, owned, sees_everything
from smartmodels.sharing import by_namespaces
from smartmodels.softdelete import AliveManager, AllManager, DeletedManager, SmartQuerySet, SoftDeleteModel
from smartmodels.tenancy.models import new_key

__all__ = ["SmartModel"]


def _user_key(**options: Any) -> Any:
    """Return a reference to a user: no constraint, since users live in another schema (DESIGN T5)."""
    return models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        editable=False,
        **options,
    )


def _is_new_owner(owner: Any) -> bool:
    """Tell whether ``owner`` is the key of a user who owns rows for themselves: not the sentinel."""
    if isinstance(owner, uuid.UUID):
        return owner != sentinel_id()
    return isinstance(owner, str) and owner != str(sentinel_id())


_SAVE_ARGUMENTS = {"force_insert": False, "force_update": False, "using": None, "update_fields": None}


def _save_arguments(row: Any, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``save()`` by name.

    Positional ones are for Django 5.2, whose function warns of them; Django 6.1 has none and takes none.
    """
    if not args:
        return named
    parse = getattr(row, "_parse_save_params", None)
    if parse is None:
        raise TypeError("save() takes its arguments by name, such as save(update_fields=[...]).")
    parsed = parse(*args, method_name="save", **{**_SAVE_ARGUMENTS, **named})
    return dict(zip(_SAVE_ARGUMENTS, parsed, strict=True))


def _with_stamps(fields: Iterable[str]) -> set[str]:
    """Return the fields to write when ``fields`` change: what :meth:`SmartModel.stamp` sets comes along."""
    names = {*fields, "updated_at", "updated_by"}
    return names | {"former_owner_id"} if names & {"owner", "owner_id"} else names


@cache
def _references(model: type[models.Model]) -> tuple[Any, ...]:
    """Return the fields of a model that point at another row."""
    return tuple(field for field in model._meta.concrete_fields if field.is_relation)


_OWNER_FIELDS = frozenset({"owner", "owner_id", "former_owner_id", "owner_before_deletion_id"})
_AT_ONCE = 500
_BULK_ARGUMENTS = (
    "batch_size",
    "ignore_conflicts",
    "update_conflicts",
    "update_fields",
    "unique_fields",
)


def _refuse_taking_over(options: dict[str, Any]) -> None:
    """Refuse an upsert that would change whose a row is that exists already."""
    if taken := _OWNER_FIELDS & set(options.get("update_fields") or ()):
        raise NotPermitted(
            f"Rows are private here: update_fields cannot name {', '.join(sorted(taken))}. "
            "Leave it out, and hand rows over one by one.",
            fields=sorted(taken),
        )


def _refuse_overwritten(model: Any, rows: list[Any], unique: Iterable[str], using: str) -> None:
    """Raise RowNotFound when an upsert by the fields ``unique`` has met a row that is not the actor's."""
    names = [model._meta.pk.attname if n == "pk" else model._meta.get_field(n).attname for n in unique]
    values = [found for row in rows if None not in (found := tuple(getattr(row, name) for name in names))]
    for first in range(0, len(values), _AT_ONCE):
        some, same = values[first : first + _AT_ONCE], Q()
        for each in some:
            same |= Q(**dict(zip(names, each, strict=True)))
        met = model.all_objects.using(using).filter(same)
        if met.count() != owned(met).count():
            raise RowNotFound("Some of the rows cannot be updated, since they are not yours: leave them out.")


def _together() -> AbstractContextManager[Any]:
    """Return what makes new rows and what they bring about all or nothing."""
    return nullcontext() if connection.in_atomic_block else transaction.atomic()


class StampedQuerySet(SmartQuerySet[Any]):
    """Fills in owner, author and times from the open operation, for writes of many rows."""

    def _batched_insert(self, objs: Any, fields: Any, batch_size: Any, **kwargs: Any) -> Any:
        """Insert many rows without the columns that are null in all of them, by COPY where that can be."""
        fields = needed_fields(self.model, fields, objs)
        if kwargs.get("on_conflict") is not None or not can_be_copied(self.model, objs, fields, self.db):
            return super()._batched_insert(objs, fields, batch_size, **kwargs)  # type: ignore[misc]
        for first in range(0, len(objs), batch_size or len(objs)):
            copy_rows(self.model, objs[first : first + (batch_size or len(objs))], fields, self.db)
        return []

    def _insert(self, objs: Any, fields: Any, *args: Any, **kwargs: Any) -> Any:
        """Insert without the columns that are null in every new row: a quarter of what is sent."""
        return super()._insert(objs, needed_fields(self.model, fields, objs), *args, **kwargs)  # type: ignore[misc]

    def _filter_or_exclude_inplace(self, negate: bool, args: Any, kwargs: Any) -> None:
        """Take ``namespaces__in=[...]`` of a resource for what it means: rows that are visible in these."""
        conditions, rest = by_namespaces(self.model, kwargs, many=self._reads_many)
        super()._filter_or_exclude_inplace(negate, (*args, *conditions), rest)

    _insert.alters_data = True  # type: ignore[attr-defined]
    # Managers pass on only what says so, and Model.save() asks a manager.
    _insert.queryset_only = False  # type: ignore[attr-defined]

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Insert many rows, stamped like single ones.

        In private mode ``update_conflicts`` reaches the actor's own rows only: raises RowNotFound for others,
        and NotPermitted when ``update_fields`` say whose a row is.
        """
        objs = list(objs)
        opened = require_operation()
        for row in objs:
            refuse_past(row)
            row.check_namespace()
            row.stamp(opened)
        options = {**dict(zip(_BULK_ARGUMENTS, args, strict=False)), **kwargs}
        if not (connection.in_atomic_block or self.model.brings_about()):
            return self._make(objs, options)
        with _together():
            made = self._make(objs, options)
            self.model.created(made)
        return made

    def _make(self, objs: list[Any], options: dict[str, Any]) -> list[Any]:
        if not options.get("update_conflicts") or sees_everything():
            return super().bulk_create(objs, **options)
        return self._upsert_own(objs, options)

    def _upsert_own(self, objs: list[Any], options: dict[str, Any]) -> list[Any]:
        """Insert or update rows, and take it back when one that exists is not the actor's.

        Looked at afterwards, so that a row which somebody adds meanwhile counts as well.
        """
        _refuse_taking_over(options)
        with transaction.atomic(using=self.db):
            made = super().bulk_create(objs, **options)
            _refuse_overwritten(self.model, objs, options.get("unique_fields") or (), self.db)
        return made

    def bulk_update(self, objs: Any, fields: Any, batch_size: Any = None) -> int:
        """Update many rows, stamped like single ones."""
        objs = tuple(objs)
        opened = require_operation()
        for row in objs:
            refuse_past(row)
            row.check_namespace()
            row.stamp(opened)
        return super().bulk_update(objs, _with_stamps(fields), batch_size)

    def update(self, **kwargs: Any) -> int:
        """Update all rows of the queryset, stamped like single ones."""
        opened = require_operation()
        kwargs.setdefault("updated_at", timezone.now())
        if "updated_by" not in kwargs and "updated_by_id" not in kwargs:
            kwargs["updated_by_id"] = opened.actor.user_id or sentinel_id()
        owner = kwargs.get("owner_id", kwargs.get("owner"))
        if _is_new_owner(getattr(owner, "pk", owner)):
            kwargs.setdefault("former_owner_id", None)
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]


class SmartAliveManager(AliveManager.from_queryset(StampedQuerySet)):  # type: ignore[misc]
    """Living rows; in private mode the actor's own."""

    _queryset_class = StampedQuerySet

    def get_queryset(self) -> Any:
        # Where deleted rows are shown as well, whoever they belonged to counts, too.
        holders = ("owner_id",) if settings().HIDE_DELETED else HOLDERS
        return owned(super().get_queryset(), *holders)


class SmartDeletedManager(DeletedManager.from_queryset(StampedQuerySet)):  # type: ignore[misc]
    """Deleted rows; in private mode the actor's own."""

    _queryset_class = StampedQuerySet

    def get_queryset(self) -> Any:
        return owned(super().get_queryset(), "owner_before_deletion_id")


class SmartAllManager(AllManager.from_queryset(StampedQuerySet)):  # type: ignore[misc]
    """Living and deleted rows, whoever owns them: for services, which decide for themselves what to show."""

    _queryset_class = StampedQuerySet


class SmartModel(SoftDeleteModel, metaclass=SmartBase):
    """Inherit from this and a model's rows are tracked, soft-deletable, owned and revertible.

    ``owner`` may change hands; ``created_by`` never does. Who, when and why come from the open
    operation. ``former_owner_id`` is the closed account that left the row to the sentinel;
    ``owner_before_deletion_id`` is who gets a deleted row back. ``objects`` shows living rows,
    ``deleted_objects`` deleted ones, ``all_objects`` both, ``history`` every version.
    """

    smart: ClassVar[SmartOptions]

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    owner = _user_key()
    former_owner_id = models.UUIDField(null=True, editable=False)
    owner_before_deletion_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = _user_key(db_index=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = _user_key(db_index=False)
    deleted_by = _user_key(null=True, db_index=False)

    deletion_columns: ClassVar[frozenset[str]] = SoftDeleteModel.deletion_columns | {
        "deleted_by_id",
        "owner_before_deletion_id",
    }

    objects: ClassVar[Any] = SmartAliveManager()
    all_objects: ClassVar[Any] = SmartAllManager()
    deleted_objects: ClassVar[Any] = SmartDeletedManager()
    history = SmartHistory()

    class Meta:
        abstract = True
        base_manager_name = "all_objects"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._state.schema = current_schema()  # type: ignore[attr-defined]

    # Mutators

    def stamp(self, opened: Operation) -> None:
        """Fill in owner, author and times for a save in operation ``opened``."""
        user_id = opened.actor.user_id or sentinel_id()
        if self._state.adding:
            self.owner_id = self.owner_id or opened.owner_id or sentinel_id()
            self.created_by_id = self.created_by_id or user_id
            self.updated_at = self.created_at
        else:
            self.updated_at = timezone.now()
        self.updated_by_id = user_id
        # Read past the descriptor: a deferred owner is not loaded for this.
        if _is_new_owner(self.__dict__.get("owner_id")):
            self.former_owner_id = None

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save in the namespace the row belongs to; the open operation says who and why.

        Raises NamespaceMismatch in another namespace, ActorRequired outside of any operation, and
        HistoryReadOnly for a row as it was in the past; in private mode RowNotFound for a row that exists
        and is somebody else's.
        """
        refuse_past(self)
        self.check_namespace()
        named = _save_arguments(self, args, kwargs)
        self.stamp(require_operation())
        # None is all fields, and no fields are nothing to save.
        if named.get("update_fields"):
            named["update_fields"] = _with_stamps(named["update_fields"])
        # A transaction of its own costs two messages; in an open one what follows is asked after the row.
        follows = self._state.adding and (connection.in_atomic_block or self.brings_about())
        with _together() if follows else nullcontext():
            super().save(**named)
            self._state.schema = current_schema()  # type: ignore[attr-defined]
            if follows:
                self.created([self])

    save.alters_data = True  # type: ignore[attr-defined]

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *args: Any) -> Any:
        if sees_everything():
            return super()._do_update(base_qs, using, pk_val, values, *args)
        done = super()._do_update(owned(base_qs), using, pk_val, values, *args)
        forced = len(args) > 1 and args[1]
        # Without a row Django goes on to insert one, which would tell that the key is taken.
        if not done and (forced or base_qs.filter(pk=pk_val).exists()):
            self._refuse_hidden()
        return done

    def _check_own(self, using: str | None) -> None:
        """Raise RowNotFound, in private mode, for a row that is not the actor's, or not there."""
        if self._state.adding or sees_everything():
            return
        row = type(self).all_objects.using(using or self._state.db).filter(pk=self.pk)
        if not owned(row).exists():
            self._refuse_hidden()

    def _refuse_hidden(self) -> None:
        options = self._meta
        raise RowNotFound(
            f"There is no {options.verbose_name} {self.pk} here: perhaps it is somebody else's."
        )

    def delete(  # type: ignore[override]
        self, using: str | None = None, keep_parents: bool = False
    ) -> Any:
        refuse_past(self)
        self.check_namespace()
        self._check_own(using)
        return super().delete(using=using, keep_parents=keep_parents)

    delete.alters_data = True  # type: ignore[attr-defined]

    def undelete(self, using: str | None = None) -> Any:  # type: ignore[override]
        refuse_past(self)
        self.check_namespace()
        self._check_own(using)
        return super().undelete(using=using)

    undelete.alters_data = True  # type: ignore[attr-defined]

    def purge(self, using: str | None = None) -> tuple[int, dict[str, int]]:
        refuse_past(self)
        self.check_namespace()
        self._check_own(using)
        return super().purge(using=using)

    purge.alters_data = True  # type: ignore[attr-defined]

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        self.check_namespace()
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)

    @classmethod
    def created(cls, rows: Sequence[Any]) -> None:
        """Do what follows from new rows; for a model to say. Called once per ``save`` or ``bulk_create``."""

    @classmethod
    def brings_about(cls) -> bool:
        """Tell whether anything may follow from new rows, which is then one transaction with them."""
        return cls.created.__func__ is not SmartModel.created.__func__  # type: ignore[attr-defined]

    # Soft deletion hands the row to the sentinel; restoring gives it back

    @classmethod
    def values_on_delete(cls, opened: Operation) -> dict[str, Any]:
        return {
            "deleted_by_id": opened.actor.user_id or sentinel_id(),
            "owner_before_deletion_id": F("owner_id"),
            "owner_id": sentinel_id(),
        }

    @classmethod
    def values_on_restore(cls, opened: Operation) -> dict[str, Any]:
        return {
            "deleted_by_id": None,
            "owner_id": F("owner_before_deletion_id"),
            "owner_before_deletion_id": None,
        }

    # Properties

    def check_namespace(self) -> None:
        """Raise NamespaceMismatch when the row, or one it points at, comes from another namespace."""
        check_instance(self)
        for key in _references(type(self)):
            if key.is_cached(self):
                related = key.get_cached_value(self)
                if isinstance(related, SmartModel):
                    check_instance(related)
