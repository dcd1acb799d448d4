"""What runs over the rows of all namespaces together: order, slices, aggregates, groups, windows, unions."""

import operator
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from statistics import fmean, stdev
from typing import Any

import pytest
from django.db.models import Avg, Count, F, Max, Min, OuterRef, Q, StdDev, Subquery, Sum, Window
from django.db.models.functions import Rank, RowNumber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from shared_apps.namespaces.models import Namespace
from smartmodels.context import namespace_scope
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.databases import Databases
from tests.support.many import ISLANDS, SPECIES, database_of_a_module, four_namespaces

Row = dict[str, Any]


@dataclass(frozen=True)
class Everything:
    """The namespaces, and every living observation of theirs as Python sees it."""

    namespaces: list[Namespace]
    observations: list[Row]

    def of(self, model: Any) -> Any:
        return model.objects.across(self.namespaces)

    @property
    def masses(self) -> list[int]:
        return [row["body_mass_g"] for row in self.observations if row["body_mass_g"] is not None]


COLUMNS = {
    "pk": "pk",
    "body_mass_g": "body_mass_g",
    "flipper_length_mm": "flipper_length_mm",
    "observed_on": "observed_on",
    "species": "specimen__species",
    "sex": "specimen__sex",
    "island": "specimen__study__island",
    "code": "specimen__study__code",
}


@pytest.fixture(scope="module")
def everything(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[Everything]:
    """Four namespaces in a database of this module, read by a loop."""
    with database_of_a_module(databases, django_db_blocker):
        namespaces, rows = four_namespaces(), []
        for namespace in namespaces:
            with namespace_scope(namespace):
                for row in Observation.objects.select_related("specimen__study"):
                    values = {name: _value(row, path) for name, path in COLUMNS.items()}
                    rows.append({"home": namespace.slug, **values})
        yield Everything(namespaces, rows)


def _value(row: Any, path: str) -> Any:
    return reduce(getattr, path.split("__"), row)


# Order and slices


def _key(row: Row, *, nulls_first: bool) -> tuple[Any, ...]:
    mass = row["body_mass_g"]
    null = (mass is not None) if nulls_first else (mass is None)
    return null, mass or 0, str(row["pk"]), row["home"]


@pytest.mark.parametrize("nulls_first", [True, False])
def test_across__ordered_with_nulls__is_one_order_over_all(everything: Everything, nulls_first: bool) -> None:
    """Rows of all namespaces are merged into one order, nulls where they were asked for."""
    order = F("body_mass_g").asc(nulls_first=nulls_first or None, nulls_last=not nulls_first or None)
    found = everything.of(Observation).order_by(order, "pk", "home").values_list("home", "pk")
    wanted = sorted(everything.observations, key=lambda row: _key(row, nulls_first=nulls_first))
    assert list(found) == [(row["home"], row["pk"]) for row in wanted]


def test_across__sliced__takes_the_slice_of_the_whole(everything: Everything) -> None:
    """Offset and limit count the rows of all namespaces."""
    found = everything.of(Observation).order_by(F("body_mass_g").asc(nulls_last=True), "pk", "home")[7:19]
    wanted = sorted(everything.observations, key=lambda row: _key(row, nulls_first=False))[7:19]
    assert [(row.home, row.pk) for row in found] == [(row["home"], row["pk"]) for row in wanted]


def test_across__reversed__gives_last_first(everything: Everything) -> None:
    """``reverse()`` and ``last()`` work on the whole."""
    rows = everything.of(Study).order_by("home", "code")
    assert rows.last() == rows.reverse().first() == list(rows)[-1]


# Aggregates


def test_across__aggregates__are_over_all_rows(everything: Everything) -> None:
    """Count, sum, mean, extremes and deviation are those of all namespaces together."""
    masses = everything.masses
    found = everything.of(Observation).aggregate(
        rows=Count("*"), n=Count("body_mass_g"), total=Sum("body_mass_g"), mean=Avg("body_mass_g"),
        least=Min("body_mass_g"), most=Max("body_mass_g"), sd=StdDev("body_mass_g", sample=True),
    )  # fmt: skip
    assert found == {
        "rows": len(everything.observations),
        "n": len(masses),
        "total": sum(masses),
        "mean": pytest.approx(fmean(masses)),
        "least": min(masses),
        "most": max(masses),
        "sd": pytest.approx(stdev(masses)),
    }


def test_across__aggregate_of_a_slice__sees_only_the_slice(everything: Everything) -> None:
    """An aggregate after a slice is over the slice of the whole."""
    masses = sorted(everything.masses, reverse=True)[:10]
    found = everything.of(Observation).filter(body_mass_g__isnull=False).order_by("-body_mass_g")[:10]
    assert found.aggregate(Sum("body_mass_g")) == {"body_mass_g__sum": sum(masses)}


def test_across__aggregate_of_annotations__goes_by_row(everything: Everything) -> None:
    """Rows under the same key in two namespaces are two rows for an aggregate of an aggregate."""
    counts = Counter((row["home"], row["code"]) for row in everything.observations)
    living = Q(specimens__observations__deleted_at__isnull=True)
    studies = everything.of(Study).annotate(n=Count("specimens__observations", filter=living)).filter(n__gt=0)
    assert studies.aggregate(Avg("n"), Count("pk")) == {
        "n__avg": pytest.approx(fmean(counts.values())),
        "pk__count": len(counts),
    }


def test_across__count_and_exists__are_over_all_rows(everything: Everything) -> None:
    """``count()`` and ``exists()`` see every namespace."""
    delta = everything.of(Observation).filter(home="delta")
    assert everything.of(Observation).count() == len(everything.observations)
    assert delta.exists()
    assert delta.count() == sum(row["home"] == "delta" for row in everything.observations)


# Groups, distinct values, windows, set operations


def test_across__grouped_by_a_value__groups_over_all(everything: Everything) -> None:
    """A group holds the rows of all namespaces."""
    found = everything.of(Observation).values("specimen__species").annotate(n=Count("*"))
    wanted = Counter(row["species"] for row in everything.observations)
    assert {row["specimen__species"]: row["n"] for row in found} == wanted


def test_across__grouped_by_home__groups_by_namespace(everything: Everything) -> None:
    """The home is a value like any other."""
    found = everything.of(Observation).values("home", "specimen__sex").annotate(n=Count("*"))
    wanted = Counter((row["home"], row["sex"]) for row in everything.observations)
    assert {(row["home"], row["specimen__sex"]): row["n"] for row in found} == wanted


def test_across__distinct_values__are_distinct_over_all(everything: Everything) -> None:
    """A value that several namespaces know appears once."""
    found = everything.of(Observation).values_list("specimen__species", flat=True).distinct()
    assert sorted(found) == sorted({row["species"] for row in everything.observations})


def test_across__distinct_rows__keep_their_homes_apart(everything: Everything) -> None:
    """Rows under one key in two namespaces are not one row."""
    rows = everything.of(Observation).filter(specimen__study__isnull=False).distinct()
    assert len(rows) == len(everything.observations)


def test_across__distinct_on__is_over_all(everything: Everything) -> None:
    """DISTINCT ON takes the first row of all namespaces."""
    rows = everything.of(Specimen).order_by("species", "number", "home").distinct("species")
    wanted = {}
    for row in everything.of(Specimen).order_by("-species", "-number", "-home"):
        wanted[row.species] = (row.number, row.home)
    assert {row.species: (row.number, row.home) for row in rows} == wanted


def test_across__window__is_over_all(everything: Everything) -> None:
    """A window without the home sees every namespace."""
    found = everything.of(Observation).filter(body_mass_g__isnull=False)
    found = found.annotate(place=Window(Rank(), order_by="-body_mass_g")).values_list("body_mass_g", "place")
    masses = everything.masses
    assert sorted(found) == sorted((mass, 1 + sum(other > mass for other in masses)) for mass in masses)


def test_across__window_by_home__is_per_namespace(everything: Everything) -> None:
    """The home can part a window, and a filter on a window works."""
    first = Window(RowNumber(), partition_by="home", order_by=["code"])
    found = everything.of(Study).annotate(place=first).filter(place=1).values_list("home", "code")
    wanted: dict[str, str] = {}
    for home, code in everything.of(Study).values_list("home", "code"):
        wanted[home] = min(code, wanted.get(home, code))
    assert dict(found) == wanted


def test_across__union__is_over_all(everything: Everything) -> None:
    """Set operations join what each side finds in all namespaces."""
    studies = everything.of(Study)
    union = studies.filter(code="P1").union(studies.filter(island="Dream")).order_by("code", "home")
    wanted = studies.filter(Q(code="P1") | Q(island="Dream")).order_by("code", "home")
    assert [(row.home, row.code) for row in union] == [(row.home, row.code) for row in wanted]


def test_across__subquery_over_many__reads_what_it_says(everything: Everything) -> None:
    """A subquery made with ``across`` itself is not confined to the outer row's namespace."""
    anywhere = (
        everything.of(Study).order_by().values("code").annotate(n=Count("*")).filter(n=4).values("code")
    )
    found = everything.of(Study).filter(code__in=anywhere)
    homes = Counter(code for _, code in everything.of(Study).values_list("home", "code"))
    assert {row.code for row in found} == {code for code, n in homes.items() if n == 4}


def test_across__outer_reference_to_a_home__is_possible(everything: Everything) -> None:
    """A subquery over many can ask for the home of the outer row."""
    others = everything.of(Study).filter(code=OuterRef("code")).exclude(home=OuterRef("home"))
    others = others.order_by().values("code").annotate(n=Count("*")).values("n")
    found = everything.of(Study).annotate(elsewhere=Subquery(others)).values_list("code", "elsewhere")
    homes = Counter(code for _, code in everything.of(Study).values_list("home", "code"))
    assert all((elsewhere or 0) == homes[code] - 1 for code, elsewhere in found)


# Random queries


@dataclass(frozen=True)
class Condition:
    """A condition, for PostgreSQL and for Python."""

    q: Q
    test: Callable[[Row], bool | None]
    """None is SQL's unknown."""


def _compare(path: str, name: str, lookup: str, value: Any) -> Condition:
    check = {"exact": operator.eq, "gt": operator.gt, "lte": operator.le}[lookup]
    return Condition(
        Q(**{f"{path}__{lookup}": value}),
        lambda row: None if row[name] is None else bool(check(row[name], value)),
    )


def _null(name: str) -> Condition:
    return Condition(Q(**{f"{name}__isnull": True}), lambda row: row[name] is None)


def _leaf(name: str, lookups: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Condition]:
    path = COLUMNS.get(name, name)
    return st.builds(_compare, st.just(path), st.just(name), st.sampled_from(lookups), values)


LEAVES = st.one_of(
    _leaf("body_mass_g", ["gt", "lte", "exact"], st.integers(2700, 6300)),
    _leaf("flipper_length_mm", ["gt", "lte"], st.integers(170, 232)),
    _leaf("species", ["exact"], st.sampled_from(SPECIES)),
    _leaf("island", ["exact"], st.sampled_from(ISLANDS)),
    _leaf("home", ["exact", "gt"], st.sampled_from(["alpha", "beta", "delta", "x"])),
    st.builds(_null, st.sampled_from(["body_mass_g", "flipper_length_mm"])),
)


def _both(one: Condition, other: Condition) -> Condition:
    return Condition(one.q & other.q, lambda row: _and(one.test(row), other.test(row)))


def _either(one: Condition, other: Condition) -> Condition:
    return Condition(one.q | other.q, lambda row: _or(one.test(row), other.test(row)))


def _and(one: bool | None, other: bool | None) -> bool | None:
    return False if False in (one, other) else (None if None in (one, other) else True)


def _or(one: bool | None, other: bool | None) -> bool | None:
    return True if True in (one, other) else (None if None in (one, other) else False)


CONDITIONS = st.recursive(
    LEAVES,
    lambda below: st.one_of(st.builds(_both, below, below), st.builds(_either, below, below)),
    max_leaves=5,
)
ORDERS = st.lists(st.sampled_from(["species", "sex", "code", "observed_on"]), max_size=2, unique=True)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=CONDITIONS, order=ORDERS, start=st.integers(0, 8), length=st.integers(0, 12))
def test_across__random_query__gives_what_python_gives(
    everything: Everything, condition: Condition, order: list[str], start: int, length: int
) -> None:
    """Any filter, order and slice of joined columns equals the same done by hand."""
    rows = everything.of(Observation).filter(condition.q)
    rows = rows.order_by(*(COLUMNS[name] for name in order), "home", "pk")[start : start + length]
    wanted = [row for row in everything.observations if condition.test(row)]
    wanted.sort(key=lambda row: (*(row[name] for name in order), row["home"], str(row["pk"])))
    found = [(row.home, row.pk) for row in rows]
    assert found == [(row["home"], row["pk"]) for row in wanted[start : start + length]]
