"""Times in the query string: one rule for all of them."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive

from smartmodels.rest.faults import InvalidParameter

__all__ = ["moment_of"]

_FIRST = datetime(1, 1, 1, tzinfo=UTC)


def moment_of(name: str, given: str) -> datetime:
    """Return the time that a parameter says, in UTC: date, time and time zone in ISO 8601 (RFC 3339).

    Raises InvalidParameter, also for a day that there is not.
    """
    try:
        # A plus sign that was not escaped arrives as a space.
        moment = parse_datetime(given.strip().replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or "T" not in given.upper() or is_naive(moment):
        raise InvalidParameter(name, "Say date, time and time zone, such as 2030-01-31T12:00:00Z.")
    try:
        return moment.astimezone(UTC)  # PostgreSQL knows no offset of 16 hours and more
    except OverflowError as error:
        if moment.year > 1:
            raise InvalidParameter(name, "No calendar knows that moment: name an earlier one.") from error
        return _FIRST
