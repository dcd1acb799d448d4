"""Rows as they were: ``?as_of=<time>`` on a list and on a row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from smartmodels.querysets import owned
from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.moments import moment_of

__all__ = ["AS_OF", "past_of", "rows_as_of"]

AS_OF = "as_of"


def past_of(request: Any) -> datetime | None:
    """Return the time that the request asks about, None for now; raise InvalidParameter."""
    given = request.query_params.get(AS_OF)
    if given is None:
        return None
    moment = moment_of(AS_OF, given)
    if moment > timezone.now():
        raise InvalidParameter(AS_OF, "What will be is not known: name a time in the past.")
    return moment


def rows_as_of(model: Any, moment: datetime, *, deleted: bool = False) -> Any:
    """Return the rows that lived at a moment, or were deleted then, as they were: versions of them.

    Whoever may see a row now, living or deleted, may see what it was; what is purged is not shown.
    """
    key = model._meta.pk.attname
    known = owned(model.all_objects.filter(**{key: OuterRef(key)}))
    last = model.history.filter(history_date__lte=moment).latest_of_each().filter(Exists(known))
    if deleted:
        return last.filter(deleted_at__isnull=False).exclude(action="purge")
    return last.filter(deleted_at__isnull=True).exclude(history_type="-")
