"""Rows as they were: ``?as_of=<time>`` on a list and on a row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from smartmodels.querysets import owned
from smartmodels.rest.faults import InvalidParameter

__all__ = ["AS_OF", "moment_of", "rows_as_of"]

AS_OF = "as_of"


def moment_of(request: Any) -> datetime | None:
    """Return the time that the request asks about, None for now; raise InvalidParameter."""
    given = request.query_params.get(AS_OF)
    if given is None:
        return None
    try:
        # A plus sign that was not escaped arrives as a space.
        moment = parse_datetime(given.strip().replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or "T" not in given.upper() or timezone.is_naive(moment):
        raise InvalidParameter(AS_OF, "Say date, time and time zone, such as 2030-01-31T12:00:00Z.")
    if moment > timezone.now():
        raise InvalidParameter(AS_OF, "What will be is not known: name a time in the past.")
    try:
        return moment.astimezone(UTC)  # PostgreSQL knows no offset of 16 hours and more
    except OverflowError:  # before the first year, as there is no later one
        return datetime.min.replace(tzinfo=UTC)


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
