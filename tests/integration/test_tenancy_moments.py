"""Points in time are read as Django reads them, only sooner."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from psycopg import DataError
from psycopg.pq import Format

from smartmodels.tenancy.engine.moments import adapters_of

ZONES = (UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Antarctica/Troll"), ZoneInfo("Asia/Kathmandu"))
MOMENTS = (
    "2026-11-23 06:54:01.123456+00",
    "2026-11-23 06:54:01.1+00",
    "2026-07-01 00:00:00+00",
    "2026-10-25 00:30:00+00",
    "2026-10-25 01:30:00+00",
    "1890-01-01 00:00:00+00",
    "0001-06-01 00:00:00+00",
    "9999-06-01 00:00:00+00",
)


def read(adapters: Any, zone: Any, text: str) -> datetime:
    """The value that a connection with these adapters reads."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL timezone = '{zone}'")
        cursor.execute("SELECT %s::timestamptz::text", [text])
        written = cursor.fetchone()[0]
        loader = adapters.get_loader(1184, Format.TEXT)
        value: datetime = loader(1184, connection.connection).load(written.encode())
        return value


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_moment__read__is_the_one_that_django_reads(db: None, zone: Any) -> None:
    """The hour that a clock shows twice included."""
    for text in MOMENTS:
        try:
            expected = read(get_adapters_template(True, zone), zone, text)
        except DataError:
            with pytest.raises(DataError):
                read(adapters_of(zone), zone, text)
            continue
        found = read(adapters_of(zone), zone, text)
        assert (found, found.fold, found.utcoffset()) == (expected, expected.fold, expected.utcoffset()), text


@pytest.mark.parametrize("text", ["infinity", "0044-03-15 00:00:00+00 BC", "12026-01-01 00:00:00+00"])
def test_moment__no_datetime__is_refused_as_by_the_driver(db: None, text: str) -> None:
    """Nothing is read as something else."""
    with pytest.raises(DataError):
        read(adapters_of(UTC), UTC, text)
