"""Declaring and finding reports."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from smartmodels.reports import Dimension, Measure, Report, all_reports, check_format, find_report, report
from smartmodels.reports.errors import ReportInvalid, ReportUnknown

MASS, SPECIES = Measure("mass", "Mass"), Dimension("species", "Species")


def nothing() -> Any:
    """Nothing at all.

    And no more about it.
    """


@pytest.fixture(autouse=True)
def _known() -> None:
    """Let the apps declare theirs first: a name is taken only once somebody took it."""
    all_reports()


@pytest.fixture
def declared() -> Report:
    return Report("tests.made", "Made", nothing, (MASS,), (SPECIES, Dimension("namespace", "Namespace")), ())


def test_find_report__known__is_found() -> None:
    """Reports of installed apps are found without registering anything."""
    assert find_report("research.body_mass").title == "Body mass"


def test_find_report__unknown__lists_what_there_is() -> None:
    """Whoever mistypes sees the names that exist."""
    with pytest.raises(ReportUnknown, match=r"research\.body_mass"):
        find_report("research.body_mas")


def test_all_reports__are_listed_by_name() -> None:
    """The list is sorted."""
    names = [declared.name for declared in all_reports()]
    assert names == sorted(names)
    assert "research.body_mass" in names


def test_description__is_the_first_paragraph(declared: Report) -> None:
    """What the function's docstring says first is what people read."""
    assert declared.description == "Nothing at all."


def test_grouped__unknown_dimension__lists_what_there_is(declared: Report) -> None:
    """An unknown dimension is refused with the known ones."""
    with pytest.raises(ReportInvalid, match="choose from species, namespace"):
        declared.grouped(["species", "sex"])


def test_grouped__twice_the_same__counts_once(declared: Report) -> None:
    """A dimension named twice is one dimension, in the order of first mention."""
    assert [one.name for one in declared.grouped(["namespace", "species", "namespace"])] == [
        "namespace",
        "species",
    ]


def test_columns__one_measure__have_plain_names(declared: Report) -> None:
    """With one measure the statistics need no prefix."""
    assert declared.columns_of(MASS) == ("n", "mean", "sd", "min", "median", "max")


def test_columns__several_measures__are_prefixed() -> None:
    """With two measures each statistic says of which."""
    two = Report("tests.two", "Two", nothing, (MASS, Measure("length", "Length")), (SPECIES,), ())
    assert two.columns_of(MASS)[:2] == ("mass_n", "mass_mean")


@pytest.mark.parametrize("name", ["mass", "R.mass", "r.mass.x", "r.", "r.a b", ""])
def test_report__bad_name__is_refused(name: str) -> None:
    """Names are ``app.name``, as they stand in URLs and commands."""
    with pytest.raises(ImproperlyConfigured, match=r"app\.name"):
        report(name, title="x", measures=[MASS], dimensions=[SPECIES])(nothing)


BAD: dict[str, Callable[[], Any]] = {
    "no measure": lambda: report("tests.bad", title="x", measures=[], dimensions=[SPECIES]),
    "two of a name": lambda: report("tests.bad", title="x", measures=[MASS], dimensions=[SPECIES, SPECIES]),
    "namespace taken": lambda: report(
        "tests.bad", title="x", measures=[MASS], dimensions=[Dimension("namespace", "x")]
    ),
    "unknown default": lambda: report(
        "tests.bad", title="x", measures=[MASS], dimensions=[SPECIES], group_by=["sex"]
    ),
    "name of another's": lambda: report(
        "research.body_mass", title="x", measures=[MASS], dimensions=[SPECIES]
    ),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_report__declared_wrongly__is_refused(make: Callable[[], Any]) -> None:
    """A mistake in a declaration shows when it is imported, and registers nothing."""
    with pytest.raises(ImproperlyConfigured):
        make()(nothing)
    assert "tests.bad" not in [declared.name for declared in all_reports()]


@pytest.mark.parametrize("given", ["csv", ".csv", "CSV", ".Csv"])
def test_format__known__is_found(given: str) -> None:
    """Suffixes count without regard to case."""
    assert check_format(given) == "csv"


@pytest.mark.parametrize("given", ["", "xls", "csv.gz", "doc"])
def test_format__unknown__lists_what_there_is(given: str) -> None:
    """An unknown format is refused with the known ones."""
    with pytest.raises(ReportInvalid, match=r"\.xlsx"):
        check_format(given)
