"""Rows as they were are read, not written."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from smartmodels.exceptions import HistoryReadOnly
from tenant_apps.research.models import Study

Write = Callable[[Any], Any]


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study that was "first" and is "second"."""
    row = Study.objects.create(code="PAL0708", title="first")
    row.title = "second"
    row.save()
    return row


ON_QUERYSETS = {
    "update": lambda rows: rows.update(title="x"),
    "delete": lambda rows: rows.delete(),
    "bulk_update": lambda rows: rows.bulk_update([], ["title"]),
    "bulk_create": lambda rows: rows.bulk_create([]),
    "create": lambda rows: rows.create(code="x"),
    "get_or_create": lambda rows: rows.get_or_create(code="x"),
    "update_or_create": lambda rows: rows.update_or_create(code="x"),
    "filtered update": lambda rows: rows.filter(code="PAL0708").update(title="x"),
}
ON_ROWS = {
    "save": lambda row: row.save(),
    "delete": lambda row: row.delete(),
    "undelete": lambda row: row.undelete(),
    "purge": lambda row: row.purge(),
    "bulk_create": lambda row: Study.objects.bulk_create([row]),
    "bulk_update": lambda row: Study.objects.bulk_update([row], ["title"]),
}


@pytest.mark.parametrize("write", ON_QUERYSETS.values(), ids=ON_QUERYSETS)
def test_write__to_rows_as_of_a_moment__is_refused(study: Study, write: Write) -> None:
    """The queryset of as_of() says what to do instead."""
    with pytest.raises(HistoryReadOnly, match="plan_revert"):
        write(Study.history.as_of(timezone.now()))


@pytest.mark.parametrize("write", ON_ROWS.values(), ids=ON_ROWS)
def test_write__of_a_row_as_of_a_moment__is_refused(study: Study, write: Write) -> None:
    """So does a row of it."""
    row = Study.history.as_of(timezone.now()).get(code="PAL0708")
    with pytest.raises(HistoryReadOnly, match="plan_revert"):
        write(row)


@pytest.mark.parametrize("write", ON_ROWS.values(), ids=ON_ROWS)
def test_write__of_the_row_of_a_version__is_refused(study: Study, write: Write) -> None:
    """So does the row that a version makes, which simple-history would have saved over the living one."""
    with pytest.raises(HistoryReadOnly, match="plan_revert"):
        write(study.history.last().instance)


def test_write__refused__changes_nothing(study: Study) -> None:
    """The living row is as it was."""
    with pytest.raises(HistoryReadOnly):
        study.history.last().instance.save()
    assert Study.objects.get().title == "second"


def test_as_of__row__is_read(study: Study) -> None:
    """Reading is what it is for."""
    first = study.history.last().history_date
    assert Study.history.as_of(first).get().title == "first"


def test_as_of__two_versions_of_one_moment__shows_the_later_one(study: Study) -> None:
    """Versions of the same moment count in the order they were written, and give one row."""
    moment = timezone.now()
    version = study.history.first()
    for title in ("third", "fourth"):
        version.pk, version.title, version.history_date = None, title, moment
        version.save(force_insert=True)
    assert [row.title for row in Study.history.as_of(moment)] == ["fourth"]


def test_row_that_a_past_row_points_at__is_written(study: Study) -> None:
    """Only the past is read-only."""
    study.title = "third"
    study.save()
    assert Study.objects.get().title == "third"
