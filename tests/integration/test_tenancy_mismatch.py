"""Unbound means closed, and what belongs to one namespace is refused in another (DESIGN T3)."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Count, Exists, F, Prefetch, prefetch_related_objects
from django_tenants.utils import schema_context, tenant_context

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ActorRequired, NamespaceMismatch, NamespaceNotBound
from tenant_apps.activities.models import Activity
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.reads import READS, codes_of

Pair = tuple[Any, Any]
Use = Callable[[Any], Any]


@pytest.fixture
def here(pair: Pair, ana: Any) -> Any:
    """Alpha and its studies, one of them with a specimen; whatever is made in it is alpha's."""
    with namespace_scope(pair[0]), operation(actor=Actor.user(ana)):
        study = Study.objects.get(code="alpha-0")
        Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    return pair[0]


@pytest.fixture
def elsewhere(here: Any, pair: Pair, bea: Any) -> Any:
    """Beta; tests bind it to use there what is alpha's."""
    return pair[1]


def cases(**uses: Use) -> list[Any]:
    """One test for each use, named after it."""
    return [pytest.param(use, id=name) for name, use in uses.items()]


# Querysets

READING = cases(
    list=list,
    len=len,
    bool=bool,
    contains=lambda rows: Study(code="x") in rows,
    first_item=lambda rows: rows[0],
    slice=lambda rows: list(rows[:2]),
    count=lambda rows: rows.count(),
    exists=lambda rows: rows.exists(),
    get=lambda rows: rows.get(code="alpha-0"),
    first=lambda rows: rows.first(),
    last=lambda rows: rows.order_by("code").last(),
    latest=lambda rows: rows.latest("created_at"),
    in_bulk=lambda rows: rows.in_bulk(),
    aggregate=lambda rows: rows.aggregate(Count("pk")),
    values=lambda rows: list(rows.values("code")),
    values_list=lambda rows: list(rows.values_list("code", flat=True)),
    dates=lambda rows: list(rows.datetimes("created_at", "day")),
    annotate=lambda rows: list(rows.annotate(n=Count("specimens"))),
    iterator=lambda rows: list(rows.iterator()),
    explain=lambda rows: rows.explain(),
    union=lambda rows: list(rows.union(Study.objects.all())),
    union_as_second=lambda rows: list(Study.objects.all().union(rows)),
    combined=lambda rows: list(rows | Study.objects.all()),
    combined_as_second=lambda rows: list(Study.objects.all() & rows),
    subquery=lambda rows: list(Study.objects.filter(pk__in=rows)),
    exists_subquery=lambda rows: list(Study.objects.filter(Exists(rows))),
    prefetch=lambda rows: list(rows.prefetch_related("specimens")),
    chained=lambda rows: list(rows.filter(code="alpha-0").order_by("code")),
    copied=lambda rows: list(copy.copy(rows)),
    pickled=lambda rows: list(pickle.loads(pickle.dumps(rows))),  # noqa: S301 - our own bytes
    pickled_query=lambda rows: (
        rows.model.objects.all()
        .__class__(
            model=rows.model,
            query=pickle.loads(pickle.dumps(rows.query)),  # noqa: S301
        )
        .count()
    ),
    update=lambda rows: rows.update(title="x"),
    delete=lambda rows: rows.delete(),
)


@pytest.mark.parametrize("use", READING)
def test_queryset__of_another_namespace__is_refused(here: Any, elsewhere: Any, use: Use) -> None:
    """Built in alpha, evaluated in beta."""
    with namespace_scope(here):
        rows = Study.objects.all()
    with namespace_scope(elsewhere), operation(), pytest.raises(NamespaceMismatch):
        use(rows)


CACHED = cases(
    list=list,
    len=len,
    bool=bool,
    first_item=lambda rows: rows[0],
    iterator=lambda rows: list(rows.iterator()),
)


@pytest.mark.parametrize("use", CACHED)
def test_queryset__whose_rows_were_read_elsewhere__is_refused(here: Any, elsewhere: Any, use: Use) -> None:
    """Evaluated in alpha, its cached rows asked for in beta."""
    with namespace_scope(here):
        rows = Study.objects.all()
        assert len(rows) == 3
    with namespace_scope(elsewhere), pytest.raises(NamespaceMismatch):
        use(rows)


def test_queryset__of_another_namespace__is_refused_every_time(here: Any, elsewhere: Any) -> None:
    """A refusal leaves nothing behind that lets a later try pass."""
    with namespace_scope(here):
        rows = Study.objects.all()
    refused = 0
    for _ in range(READS):
        with namespace_scope(elsewhere):
            try:
                list(rows)
            except NamespaceMismatch:
                refused += 1
    assert refused == READS


def test_queryset__begun_as_iterator__is_not_continued_elsewhere(here: Any, elsewhere: Any) -> None:
    """An iterator half read in alpha gives no row in beta."""
    with namespace_scope(here):
        rows = Study.objects.iterator(chunk_size=1)
        next(rows)
    with namespace_scope(elsewhere), pytest.raises(NamespaceMismatch):
        next(rows)


def test_queryset__made_unbound__reads_where_it_is_used(here: Any, elsewhere: Any) -> None:
    """A queryset that is an attribute of a class serves every namespace through ``all()``."""
    rows = Study.objects.order_by("code")
    found = []
    for namespace in (here, elsewhere):
        with namespace_scope(namespace):
            found.append([study.code for study in rows.all()])
    assert found == [codes_of(here), codes_of(elsewhere)]


# Instances

USES = cases(
    save=lambda study: study.save(),
    save_fields=lambda study: study.save(update_fields=["title"]),
    force_insert=lambda study: study.save(force_insert=True),
    delete=lambda study: study.delete(),
    undelete=lambda study: study.undelete(),
    purge=lambda study: study.purge(),
    refresh=lambda study: study.refresh_from_db(),
    related_all=lambda study: list(study.specimens.all()),
    related_count=lambda study: study.specimens.count(),
    related_create=lambda study: study.specimens.create(number=9, individual="", species=""),
    related_filter=lambda study: study.specimens.filter(number=1).update(number=2),
    history=lambda study: list(study.history.all()),
    as_value=lambda study: list(Specimen.objects.filter(study=study)),
    as_value_in_q=lambda study: list(Specimen.objects.filter(models.Q(number=1) | models.Q(study=study))),
    as_values=lambda study: list(Specimen.objects.filter(study__in=[study])),
    as_exclusion=lambda study: list(Specimen.objects.exclude(study=study)),
    as_new_value=lambda study: Specimen.objects.update(study=study),
    as_parent=lambda study: Specimen(study=study, number=9, individual="", species="").save(),
    as_parent_in_create=lambda study: Specimen.objects.create(
        study=study, number=9, individual="", species=""
    ),
    as_default=lambda study: Specimen.objects.get_or_create(number=9, defaults={"study": study}),
    prefetched=lambda study: prefetch_related_objects([study], "specimens"),
    prefetched_by_object=lambda study: prefetch_related_objects(
        [study], Prefetch("specimens", Specimen.objects.order_by("number"))
    ),
    bulk_create=lambda study: Study.objects.bulk_create([study]),
    bulk_create_children=lambda study: Specimen.objects.bulk_create(
        [Specimen(study=study, number=9, individual="", species="")]
    ),
    bulk_update=lambda study: Study.objects.bulk_update([study], ["title"]),
    copied=lambda study: copy.copy(study).save(),
    deep_copied=lambda study: copy.deepcopy(study).save(),
    pickled=lambda study: pickle.loads(pickle.dumps(study)).save(),  # noqa: S301
    base_manager=lambda study: Specimen._base_manager.filter(study=study).update(number=9),
)


@pytest.mark.parametrize("use", USES)
def test_instance__of_another_namespace__is_refused(here: Any, elsewhere: Any, use: Use) -> None:
    """Read in alpha, used in beta."""
    with namespace_scope(here):
        study = Study.objects.get(code="alpha-0")
    with namespace_scope(elsewhere), operation(), pytest.raises(NamespaceMismatch), transaction.atomic():
        use(study)


def test_instance__of_another_namespace__is_refused_every_time(here: Any, elsewhere: Any) -> None:
    """2,000 saves of alpha's row in beta change no row of beta."""
    refused = 0
    with namespace_scope(here):
        study = Study.objects.get(code="alpha-0")
    for _ in range(READS):
        with namespace_scope(elsewhere), operation():
            try:
                study.save()
            except NamespaceMismatch:
                refused += 1
    with namespace_scope(elsewhere):
        assert (refused, sorted(Study.objects.values_list("code", flat=True))) == (READS, codes_of(elsewhere))


PARENTS = cases(
    parent=lambda specimen: specimen.study,
    children=lambda specimen: specimen.observations.count(),
    save=lambda specimen: specimen.save(),
)


@pytest.mark.parametrize("use", PARENTS)
def test_instance__with_a_parent_elsewhere__is_refused(here: Any, elsewhere: Any, use: Use) -> None:
    """The way from child to parent leads through the child's own namespace."""
    with namespace_scope(here):
        specimen = Specimen.objects.get()
    with namespace_scope(elsewhere), operation(), pytest.raises(NamespaceMismatch):
        use(specimen)


HISTORY_USES = cases(
    save=lambda version: version.save(),
    delete=lambda version: version.delete(),
    refresh=lambda version: version.refresh_from_db(),
    row=lambda version: version.instance.save(),
)


@pytest.mark.parametrize("use", HISTORY_USES)
def test_version__of_another_namespace__is_refused(here: Any, elsewhere: Any, use: Use) -> None:
    """Versions are numbered alike in every namespace: used elsewhere, one would hit another."""
    with namespace_scope(here):
        version = Study.objects.get(code="alpha-0").history.get()
    with namespace_scope(elsewhere), operation(), pytest.raises(NamespaceMismatch), transaction.atomic():
        use(version)


def test_instance__saved_in_its_namespace_after_a_refusal__is_saved(
    here: Any, elsewhere: Any, ana: Any
) -> None:
    """A refused save does not spoil the row."""
    with namespace_scope(here):
        study = Study.objects.get(code="alpha-0")
    with namespace_scope(elsewhere), operation(), pytest.raises(NamespaceMismatch):
        study.save()
    with namespace_scope(here), operation(actor=Actor.user(ana)):
        study.title = "again"
        study.save()
        assert Study.objects.get(code="alpha-0").title == "again"


# Nothing bound

UNBOUND = cases(
    list=lambda: list(Study.objects.all()),
    count=lambda: len(Study.objects.values("pk")),
    get=lambda: Study.objects.get(code="alpha-0"),
    create=lambda: Study.objects.create(code="x"),
    save=lambda: Study(code="x").save(),
    bulk_create=lambda: Study.objects.bulk_create([Study(code="x")]),
    update=lambda: Study.objects.update(title="x"),
    update_by_expression=lambda: Study.objects.update(title=F("code")),
    delete=lambda: Study.objects.all().delete(),
    all_rows=lambda: list(Study.all_objects.all()),
    deleted_rows=lambda: list(Study.deleted_objects.all()),
    history=lambda: list(Study.history.all()),
    base_manager=lambda: list(Study._base_manager.all()),
    plain_queryset=lambda: list(models.QuerySet(Study)),
    through_shared_table=lambda: list(Activity.objects.select_related("resource_type")),
    iterator=lambda: list(Observation.objects.iterator()),
)


@pytest.mark.parametrize("use", UNBOUND)
def test_tenant_model__with_nothing_bound__is_refused(here: Any, use: Callable[[], Any]) -> None:
    """No rows, of nobody: the named error."""
    with operation(), pytest.raises(NamespaceNotBound):
        use()


def test_instance__with_nothing_bound__is_refused(here: Any) -> None:
    """A row read in alpha cannot be saved once alpha is left."""
    with namespace_scope(here):
        study = Study.objects.get(code="alpha-0")
    with operation(), pytest.raises((NamespaceMismatch, NamespaceNotBound)):
        study.save()


def test_raw_sql__with_nothing_bound__finds_no_table(here: Any) -> None:
    """Hand-written statements are not checked, but the tables are in no schema on the path."""
    with namespace_scope(here):
        Study.objects.count()
    with (
        pytest.raises(DatabaseError, match="does not exist"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT code FROM research_study")


def test_raw_sql__in_a_namespace__reads_its_rows(here: Any, elsewhere: Any) -> None:
    """Hand-written statements follow the bound namespace as well."""
    with namespace_scope(elsewhere), connection.cursor() as cursor:
        cursor.execute("SELECT code FROM research_study ORDER BY code")
        assert [row[0] for row in cursor.fetchall()] == codes_of(elsewhere)


def test_write__with_no_operation__is_refused(here: Any) -> None:
    """Somebody has to be said to act."""
    with namespace_scope(here), pytest.raises(ActorRequired):
        Study.objects.create(code="x")


# django-tenants' own ways

FOREIGN = cases(
    with_tenant=lambda namespace: namespace.__enter__(),
    activate=lambda namespace: namespace.activate(),
    schema_context=lambda namespace: schema_context(namespace.schema_name).__enter__(),
    tenant_context=lambda namespace: tenant_context(namespace).__enter__(),
    set_tenant=connection.set_tenant,
    set_schema=lambda namespace: connection.set_schema(namespace.schema_name),
)


@pytest.mark.parametrize("bind", FOREIGN)
def test_connection__bound_by_django_tenants_means__refuses(here: Any, bind: Use) -> None:
    """Those leak between threads and on recursion (DESIGN T1)."""
    with pytest.raises(ImproperlyConfigured, match="namespace_scope"):
        bind(here)
