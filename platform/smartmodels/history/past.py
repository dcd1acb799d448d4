"""Rows as they were in the past are read, not written: a revert brings them back, with a preview."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db.models import Exists, OuterRef, Q
from simple_history.manager import SIMPLE_HISTORY_REVERSE_ATTR_NAME, HistoricalQuerySet

from smartmodels.exceptions import HistoryReadOnly

__all__ = ["PastQuerySet", "refuse_past"]

_INSTEAD = "plan it with plan_revert(row, version) and apply it with apply_revert(plan)."


def refuse_past(row: Any) -> None:
    """Raise HistoryReadOnly for a row that was made from one of its versions."""
    version = row.__dict__.get(SIMPLE_HISTORY_REVERSE_ATTR_NAME)
    if version is not None:
        raise HistoryReadOnly(
            f"This {row._meta.verbose_name} is as it was in version {version.pk}, which cannot be written: "
            f"to bring it back, {_INSTEAD}",
            version=version.pk,
        )


def _writes(name: str) -> Any:
    def refuse_or_write(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._as_instances:
            _refuse(self)
        return getattr(super(PastQuerySet, self), name)(*args, **kwargs)

    refuse_or_write.__name__ = name
    refuse_or_write.__doc__ = "As Django's, but refused for rows as of a moment in the past."
    refuse_or_write.alters_data = True  # type: ignore[attr-defined]
    # As Django's own: not every one of them is a method of managers.
    refuse_or_write.queryset_only = name in ("_raw_delete", "_update", "delete")  # type: ignore[attr-defined]
    return refuse_or_write


def _refuse(queryset: Any) -> NoReturn:
    label = queryset.model.instance_type._meta.verbose_name_plural
    raise HistoryReadOnly(
        f"The {label} of as_of() are what was, and only read: to bring one back, {_INSTEAD}"
    )


class PastQuerySet(HistoricalQuerySet):
    """Versions, or rows as of a moment; the latter are read-only."""

    create = _writes("create")
    bulk_create = _writes("bulk_create")
    bulk_update = _writes("bulk_update")
    get_or_create = _writes("get_or_create")
    update_or_create = _writes("update_or_create")
    update = _writes("update")
    delete = _writes("delete")
    _update = _writes("_update")
    _raw_delete = _writes("_raw_delete")

    def latest_of_each(self) -> Any:
        """Return the newest version of each row; of two from the same moment the one written later."""
        same_row = Q(**{self._pk_attr: OuterRef(self._pk_attr)})
        later = Q(history_date__gt=OuterRef("history_date")) | Q(
            history_date=OuterRef("history_date"), history_id__gt=OuterRef("history_id")
        )
        return self.filter(~Exists(self.filter(same_row, later)))
