"""Every shape of query over many namespaces gives what a loop over them gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import (
    Avg,
    Case,
    Count,
    Exists,
    F,
    FilteredRelation,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce, Lower, RowNumber, TruncMonth
from pytest_django import DjangoDbBlocker

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import namespace_scope
from smartmodels.reports.copying import as_frame
from smartmodels.reports.running import read_rows
from smartmodels.reports.snapshots import snapshot
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.databases import Databases
from tests.support.many import database_of_a_module, four_namespaces

Of = Callable[[Any], QuerySet[Any]]


@dataclass(frozen=True)
class Shape:
    """A query of one model, given as a function of "the rows of this model", and the columns to compare."""

    name: str
    make: Callable[[Of], QuerySet[Any]]
    columns: tuple[str, ...]


def shape(name: str, *columns: str) -> Callable[[Callable[[Of], QuerySet[Any]]], Shape]:
    return lambda make: Shape(name, make, ("pk", *columns))


MASSES = Observation.objects.filter(specimen__study=OuterRef("pk"), body_mass_g__isnull=False)

ROWS: list[Shape] = [
    shape("all", "code", "island", "title")(lambda of: of(Study).all()),
    shape("filter", "code")(lambda of: of(Study).filter(island="Dream")),
    shape("percent", "title")(lambda of: of(Study).filter(title__contains="%")),
    shape("empty in", "code")(lambda of: of(Study).filter(code__in=[])),
    shape("or and not", "code")(lambda of: of(Study).filter(Q(island="Dream") | ~Q(code__in=["P1", "P2"]))),
    shape("two columns", "number")(lambda of: of(Specimen).filter(number__gt=F("number") * 2 - 7)),
    shape("forward join", "body_mass_g")(
        lambda of: of(Observation).filter(specimen__study__island="Dream", specimen__species="Adelie")
    ),
    shape("forward columns", "specimen__species", "specimen__study__code")(lambda of: of(Observation).all()),
    shape("shared join", "code", "owner__email")(lambda of: of(Study).filter(owner__email__startswith="a")),
    shape("reverse join", "code")(
        lambda of: of(Study).filter(specimens__observations__body_mass_g__gt=4500).distinct()
    ),
    shape("two reverse joins", "code")(
        lambda of: of(Study).filter(specimens__sex="male").filter(specimens__sex="female").distinct()
    ),
    shape("outer join", "specimens__pk")(lambda of: of(Study).all()),
    shape("missing children", "code")(lambda of: of(Study).filter(specimens__isnull=True)),
    shape("exclude through children", "code")(lambda of: of(Study).exclude(specimens__species="Gentoo")),
    shape("exclude through grandchildren", "code")(
        lambda of: of(Study).exclude(specimens__observations__body_mass_g__lt=3000)
    ),
    shape("filtered relation", "code", "males__pk")(
        lambda of: of(Study).alias(males=FilteredRelation("specimens", condition=Q(specimens__sex="male")))
    ),
    shape("exists", "code")(
        lambda of: of(Study).filter(Exists(Specimen.objects.filter(study=OuterRef("pk"), sex="male")))
    ),
    shape("not exists", "code")(
        lambda of: of(Study).filter(~Exists(Specimen.objects.filter(study=OuterRef("pk"), sex="male")))
    ),
    shape("nested exists", "code")(
        lambda of: of(Study).filter(
            Exists(
                Specimen.objects.filter(
                    Exists(Observation.objects.filter(specimen=OuterRef("pk"), body_mass_g__gt=5000)),
                    study=OuterRef("pk"),
                )
            )
        )
    ),
    shape("in subquery", "number")(
        lambda of: of(Specimen).filter(study__in=Study.objects.filter(island="Dream"))
    ),
    shape("not in subquery", "number")(
        lambda of: of(Specimen).exclude(study__in=Study.objects.filter(island="Dream").values("pk"))
    ),
    shape("in union", "code")(
        lambda of: of(Study).filter(
            island__in=Study.objects.filter(code="P1")
            .values("island")
            .union(Study.objects.filter(code="P2").values("island"))
        )
    ),
    shape("in slice", "code")(
        lambda of: of(Study).filter(pk__in=Study.objects.order_by("-code").values("pk")[:2])
    ),
    shape("in distinct subquery", "number")(
        lambda of: of(Specimen).filter(
            study__in=Specimen.objects.filter(sex="male").order_by("number").values("study").distinct()
        )
    ),
    shape("in grouped subquery", "code")(
        lambda of: of(Study).filter(
            pk__in=Specimen.objects.values("study").annotate(n=Count("*")).filter(n__gt=3).values("study")
        )
    ),
    shape("in joined subquery", "code")(
        lambda of: of(Study).filter(
            island__in=Observation.objects.filter(body_mass_g__gt=5500).values("specimen__study__island")
        )
    ),
    shape("in correlated subquery", "number")(
        lambda of: of(Specimen).filter(
            number__in=Observation.objects.filter(specimen=OuterRef("pk")).values("specimen__number")
        )
    ),
    shape("in windowed subquery", "code")(
        lambda of: of(Study).filter(
            code__in=Study.objects.annotate(rank=Window(RowNumber(), order_by="-code"))
            .filter(rank=1)
            .values("code")
        )
    ),
    shape("in subquery with nulls", "body_mass_g")(
        lambda of: of(Observation).filter(
            body_mass_g__in=Observation.objects.filter(flipper_length_mm__gt=190).values("body_mass_g")
        )
    ),
    shape("not in subquery with nulls", "body_mass_g")(
        lambda of: of(Observation).filter(
            ~Q(body_mass_g__in=Observation.objects.filter(flipper_length_mm__gt=215).values("body_mass_g"))
        )
    ),
    shape("in subquery inside a subquery", "code")(
        lambda of: of(Study).filter(
            specimens__in=Specimen.objects.filter(
                pk__in=Observation.objects.filter(body_mass_g__gt=6000).values("specimen")
            )
        )
    ),
    shape("in shared subquery", "code")(
        lambda of: of(Study).filter(owner__in=User.objects.filter(email__startswith="b"))
    ),
    shape("join under an outer reference", "code", "n")(
        lambda of: of(Specimen)
        .filter(study__island="Dream")
        .annotate(
            code=F("study__code"),
            n=Subquery(
                Observation.objects.filter(specimen__study__code=OuterRef("study__code"))
                .order_by().values("deleted_at").annotate(n=Count("*")).values("n")
            ),
        )
    ),
    shape("uncorrelated scalar", "body_mass_g")(
        lambda of: of(Observation).filter(
            body_mass_g__gt=Subquery(
                Observation.objects.order_by().values("deleted_at").annotate(m=Avg("body_mass_g")).values("m")
            )
        )
    ),
    shape("correlated scalar", "heaviest")(
        lambda of: of(Study).annotate(
            heaviest=Subquery(MASSES.order_by("-body_mass_g").values("body_mass_g")[:1])
        )
    ),
    shape("correlated count", "n")(
        lambda of: of(Study).annotate(
            n=Coalesce(
                Subquery(MASSES.order_by().values("specimen__study").annotate(n=Count("*")).values("n")), 0
            )
        )
    ),
    shape("exists of shared", "code")(
        lambda of: of(Study).filter(
            Exists(User.objects.filter(pk=OuterRef("owner_id"), email__startswith="b"))
        )
    ),
    shape("count of children", "n")(lambda of: of(Study).annotate(n=Count("specimens"))),
    shape("two counts", "n", "males")(
        lambda of: of(Study).annotate(
            n=Count("specimens", distinct=True),
            males=Count("specimens", filter=Q(specimens__sex="male"), distinct=True),
        )
    ),
    shape("aggregates through joins", "mean", "least", "total")(
        lambda of: of(Study).annotate(
            mean=Avg("specimens__observations__body_mass_g"),
            least=Min("specimens__observations__culmen_length_mm"),
            total=Sum("specimens__observations__flipper_length_mm"),
        )
    ),
    shape("having", "n")(lambda of: of(Study).annotate(n=Count("specimens")).filter(n__gte=3)),
    shape("case", "kind")(
        lambda of: of(Specimen).annotate(
            kind=Case(
                When(sex="male", then=Value("m")),
                When(clutch_complete=True, then=Value("c")),
                default=Value("-"),
            )
        )
    ),
    shape("functions", "low", "month")(
        lambda of: of(Observation).annotate(low=Lower("specimen__species"), month=TruncMonth("observed_on"))
    ),
    shape("ordered by a joined column", "study__code")(
        lambda of: of(Specimen).order_by("study__code", "number")
    ),
    shape("deleted", "code")(lambda of: of(Study).none() | of(Study).filter(deleted_at__isnull=False)),
]  # fmt: skip

ALONE: list[Shape] = [
    shape("window in a study", "rank")(
        lambda of: of(Specimen).annotate(
            rank=Window(RowNumber(), partition_by=[F("study_id"), F("number")], order_by="number")
        )
    ),
    shape("slice")(lambda of: of(Study).order_by("-code")[1:4]),
    shape("window", "rank")(
        lambda of: of(Study).annotate(rank=Window(RowNumber(), order_by=["island", "code"]))
    ),
    shape("first by window", "number")(
        lambda of: (
            of(Specimen)
            .annotate(rank=Window(RowNumber(), partition_by="species", order_by="number"))
            .filter(rank=1)
        )
    ),
    shape("distinct on", "island")(lambda of: of(Study).order_by("island", "code").distinct("island")),
    shape("union", "code")(
        lambda of: of(Study).filter(code="P3").union(of(Study).filter(island="Dream"), all=True)
    ),
    shape("intersection", "code")(
        lambda of: of(Study).filter(code__gte="P3").intersection(of(Study).filter(code__lte="P4"))
    ),
]
"""Shapes that a report reads within each namespace, and a list over all of them together."""


@pytest.fixture(scope="module")
def namespaces(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Namespace]]:
    """Four namespaces in a database of this module."""
    with database_of_a_module(databases, django_db_blocker):
        yield four_namespaces()


def in_each(namespaces: list[Namespace], shape: Shape) -> list[tuple[Any, ...]]:
    """What a loop over the namespaces finds, each row preceded by the namespace's slug."""
    found: list[tuple[Any, ...]] = []
    for namespace in namespaces:
        with namespace_scope(namespace):
            rows = shape.make(lambda model: model.objects.all()).values_list(*shape.columns)
            found += [(namespace.slug, *row) for row in rows]
    return found


def ordered(rows: list[tuple[Any, ...]]) -> list[str]:
    return sorted(map(repr, rows))


@pytest.mark.parametrize("shape", ROWS, ids=lambda shape: shape.name)
def test_across__any_shape__gives_what_a_loop_gives(namespaces: list[Namespace], shape: Shape) -> None:
    """Joins, subqueries and annotations of a row stay in the row's own namespace."""
    queryset = shape.make(lambda model: model.objects.across(namespaces))
    found = list(queryset.values_list("home", *shape.columns))
    assert ordered(found) == ordered(in_each(namespaces, shape))


@pytest.mark.parametrize("shape", [*ROWS, *ALONE], ids=lambda shape: shape.name)
def test_report_rows__any_shape__give_what_a_loop_gives(namespaces: list[Namespace], shape: Shape) -> None:
    """One statement rendered once per schema gives what the loop gives, windows and slices included."""
    values = shape.make(lambda model: model.objects.all()).values(*shape.columns)
    with snapshot(using="default"):
        reading = read_rows(values, namespaces)
        assert reading.layout is not None
        frame = as_frame(reading.layout, reading.tables, using="default")
    assert reading.broken == {}
    found = frame.astype(object).where(frame.notna(), None)
    assert ordered(list(found.itertuples(index=False, name=None))) == ordered(in_each(namespaces, shape))


def test_shapes__all_of_them__are_no_empty_promise(namespaces: list[Namespace]) -> None:
    """The seeded rows answer nearly every shape with something, and differently in each namespace."""
    silent = {one.name for one in [*ROWS, *ALONE] if not in_each(namespaces, one)}
    assert silent == {"empty in", "deleted"}
