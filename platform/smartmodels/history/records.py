"""django-simple-history's records, written by the database instead of by signals."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.signals import post_delete, post_save, pre_delete
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords
from simple_history.utils import get_history_model_for_model

from smartmodels.context import current_schema
from smartmodels.history.capture import HistoryCapture, HistoryGuard
from smartmodels.history.past import PastQuerySet
from smartmodels.querysets import ScopedQuerySet, check_instance, owned_versions, stamp_instance

__all__ = ["HistoryRow", "SmartHistory", "history_model"]


class HistoryQuerySet(PastQuerySet, ScopedQuerySet[Any]):
    """History rows of one namespace; rows as of a moment are read-only."""


class VersionManager(models.Manager.from_queryset(HistoryQuerySet)):  # type: ignore[misc]
    """All versions of all rows; in private mode those of the actor's own rows."""

    def get_queryset(self) -> Any:
        return owned_versions(super().get_queryset(), self.model.instance_type)


class HistoryRow(models.Model):
    """What a history row of ours says beyond simple-history's: the operation, the actor and the way in."""

    operation_id = models.UUIDField(null=True, editable=False, db_index=True)
    action = models.CharField(max_length=16, editable=False)
    actor_kind = models.CharField(max_length=20, null=True, editable=False)  # noqa: DJ001 - unknown is not empty
    actor_label = models.TextField(null=True, editable=False)  # noqa: DJ001
    via_namespace = models.TextField(null=True, editable=False)  # noqa: DJ001
    via_grant = models.UUIDField(null=True, editable=False)
    reverted_from = models.BigIntegerField(null=True, editable=False)
    segment_id = models.UUIDField(null=True, editable=False)

    objects: ClassVar[Any] = VersionManager()

    class Meta:
        abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stamp_instance(self, current_schema())

    # Numbers of history rows are the same in every namespace, so elsewhere they would mean another row.

    def save(self, *args: Any, **kwargs: Any) -> None:
        check_instance(self)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        check_instance(self)
        return super().delete(*args, **kwargs)

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        check_instance(self)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)


class HistoryLinkRow(models.Model):
    """A link that a version had, vouched for by the segment of that version."""

    segment_id = models.UUIDField(null=True, editable=False)

    class Meta:
        abstract = True


class ScopedHistoryManager(HistoryManager):
    """simple-history's manager: in private mode it shows versions of the actor's own rows.

    It refuses the history of a row of another namespace.
    """

    def get_queryset(self) -> Any:
        if self.instance is not None:
            check_instance(self.instance)
        return owned_versions(super().get_queryset(), self.model.instance_type)


class SmartHistory(HistoricalRecords):
    """Put ``history = SmartHistory()`` on an abstract model: each concrete one gets a history table.

    The table has 64-bit ids, an unlimited reason, no constraint on the user, and what
    :class:`HistoryRow` adds. :class:`HistoryCapture` keeps it equal to the live table, whatever writes.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("inherit", True)
        kwargs.setdefault("bases", (HistoryRow,))
        kwargs.setdefault("m2m_bases", (HistoryLinkRow,))
        kwargs.setdefault("history_id_field", models.BigAutoField())
        kwargs.setdefault("history_change_reason_field", models.TextField(null=True))
        kwargs.setdefault("history_user_id_field", models.UUIDField(null=True))
        kwargs.setdefault("history_manager", ScopedHistoryManager)
        kwargs.setdefault("historical_queryset", HistoryQuerySet)
        super().__init__(**kwargs)

    def get_extra_fields(self, model: Any, fields: Any) -> Any:
        """Return what a history model has besides the columns; a version makes its row where it belongs."""
        extra: dict[str, Any] = super().get_extra_fields(model, fields)
        make = extra["instance"].fget

        def instance(version: Any) -> Any:
            check_instance(version)
            return make(version)

        extra["instance"] = property(instance)
        return extra

    def get_meta_options(self, model: Any) -> Any:
        """Return the options of a history model: who looks for what decides which indexes there are."""
        options: dict[str, Any] = super().get_meta_options(model)
        timeline = models.Index(fields=(model._meta.pk.attname, "history_date", "history_id"))
        options["indexes"] = (timeline, BrinIndex(fields=("history_date",)))
        options["constraints"] = (HistoryGuard(name=f"{model._meta.db_table[:46]}_versions"),)
        return options

    def get_meta_options_m2m(self, through_model: Any) -> Any:
        """Return the options of a model of links that versions had."""
        options: dict[str, Any] = super().get_meta_options_m2m(through_model)
        guard = HistoryGuard(name=f"{through_model._meta.db_table[:46]}_versions", key="m2m_history_id")
        options["constraints"] = (guard,)
        return options

    def get_m2m_fields_from_model(self, model: Any) -> list[Any]:
        """Return the many-to-many fields that ``class Smart:`` names; a check tells of wrong names."""
        known = {field.name: field for field in model._meta.local_many_to_many}
        return [known[name] for name in model.smart.history_m2m if name in known]

    def finalize(self, sender: Any, **kwargs: Any) -> None:
        """Make the history model of ``sender``; proxies share the table of their concrete model."""
        if sender._meta.proxy or sender._meta.abstract or not issubclass(sender, self.cls):
            return
        if hasattr(sender._meta, "simple_history_manager_attribute"):
            return
        self.excluded_fields = list(sender.smart.history_exclude)
        # Nobody looks for versions by these; the indexes of the history model say what people look for.
        self.no_db_index = [field.name for field in sender._meta.fields]
        super().finalize(sender, **kwargs)
        # The trigger is the writer: simple-history's own would write a second row.
        post_save.disconnect(self.post_save, sender=sender)
        post_delete.disconnect(self.post_delete, sender=sender)
        pre_delete.disconnect(self.pre_delete, sender=sender)
        self._add_capture(sender)

    def _add_capture(self, sender: Any) -> None:
        options = sender._meta
        history = history_model(sender)
        names = {field.name for field in options.concrete_fields}
        capture = HistoryCapture(
            name=f"{options.db_table[:46]}_capture",
            history_table=history._meta.db_table,
            key=options.pk.column,
            columns=tuple(field.column for field in self.fields_included(sender)),
            deleted="deleted_at" if "deleted_at" in names else "",
            links=tuple(self._links(sender, field) for field in self.get_m2m_fields_from_model(sender)),
        )
        options.constraints = [*options.constraints, capture]
        # The autodetector reads only the options that a model declared.
        options.original_attrs["constraints"] = options.constraints

    def m2m_changed(self, *args: Any, **kwargs: Any) -> None:
        """Leave it to the triggers on the table of links."""

    def _links(self, sender: Any, field: Any) -> tuple[str, str, tuple[str, ...], str]:
        through = field.remote_field.through._meta
        # Django resolves m2m_field_name() later than this; the first reference is the one to the sender.
        source = next(each for each in through.concrete_fields if self._points_at(each, sender))
        columns = tuple(each.column for each in through.concrete_fields)
        return through.db_table, source.column, columns, self.m2m_models[field]._meta.db_table

    @staticmethod
    def _points_at(field: Any, model: Any) -> bool:
        target = field.remote_field.model if field.remote_field else None
        return target is model or target == model._meta.object_name


@cache
def history_model(model: type[models.Model]) -> Any:
    """Return the model of ``model``'s history rows."""
    return get_history_model_for_model(model)
