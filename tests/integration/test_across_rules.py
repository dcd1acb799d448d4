"""What a queryset over many namespaces refuses, and what its rows know about their home."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.expressions import RawSQL
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from psycopg import sql

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, current_namespace, namespace_scope, operation
from smartmodels.exceptions import (
    InvalidInput,
    ManySchemasReadOnly,
    ManySchemasUnsupported,
    NamespaceMismatch,
    NamespaceNotBound,
)
from smartmodels.querysets import stamp_of
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.many import seed


@pytest.fixture
def both(alpha: Namespace, beta: Namespace, ana: User, bea: User) -> list[Namespace]:
    """Alpha and beta, with rows of their own under the same keys."""
    seed([alpha, beta], [ana, bea])
    return [alpha, beta]


# Homes


def test_instance__read_across__belongs_to_its_home(both: list[Namespace]) -> None:
    """Rows know the slug of their namespace and bear its stamp."""
    schemas = {namespace.slug: namespace.schema_name for namespace in both}
    rows = list(Study.objects.across(both))
    assert {row.home for row in rows} == {"alpha", "beta"}
    assert all(stamp_of(row) == schemas[row.home] for row in rows)


def test_instance__read_inside_another_namespace__still_belongs_to_its_home(both: list[Namespace]) -> None:
    """What is bound while rows are read does not decide where they live."""
    with namespace_scope(both[0]):
        row = Study.objects.across(both).filter(home="beta").first()
    assert stamp_of(row) == both[1].schema_name


def test_instance__iterated__belongs_to_its_home(both: list[Namespace]) -> None:
    """A server-side cursor stamps rows as well."""
    rows = list(Study.objects.across(both).iterator(chunk_size=3))
    assert {stamp_of(row) for row in rows} == {namespace.schema_name for namespace in both}


def test_related__selected__belongs_to_the_same_home(both: list[Namespace]) -> None:
    """What select_related brings along bears the stamp of the row."""
    for row in Observation.objects.across(both).select_related("specimen__study"):
        assert stamp_of(row.specimen.study) == stamp_of(row)


def test_related__prefetched__comes_from_the_same_home(both: list[Namespace]) -> None:
    """Prefetched rows are those of the row's namespace, although keys are the same in both."""
    by_slug = {namespace.slug: namespace for namespace in both}
    for row in Study.objects.across(both).prefetch_related("specimens"):
        with namespace_scope(by_slug[row.home]):
            assert {one.pk for one in row.specimens.all()} == {
                one.pk for one in Specimen.objects.filter(study_id=row.pk)
            }
            assert all(stamp_of(one) == stamp_of(row) for one in row.specimens.all())


def test_related__prefetched_while_iterating__comes_from_the_same_home(both: list[Namespace]) -> None:
    """Chunks of an iterator are prefetched in their homes, in the order of the rows."""
    rows = list(Study.objects.across(both).order_by("code", "home").prefetch_related("specimens").iterator(4))
    assert [row.code for row in rows] == sorted(row.code for row in rows)
    assert all("specimens" in row._prefetched_objects_cache for row in rows)


def test_related__prefetched__costs_one_query_per_home(both: list[Namespace]) -> None:
    """Two homes and one relation are three queries."""
    with CaptureQueriesContext(connection) as queries:
        list(Study.objects.across(both).prefetch_related("specimens"))
    assert len(queries) == 3


def test_related__fetched_later_outside_of_its_home__is_refused(both: list[Namespace]) -> None:
    """A foreign key that was not selected is not looked up in whatever is bound."""
    row = Specimen.objects.across(both).filter(home="beta").first()
    with namespace_scope(both[0]), pytest.raises(NamespaceMismatch):
        _ = row.study.code


def test_instance__saved_in_another_namespace__is_refused(both: list[Namespace], ana: User) -> None:
    """A row read across is saved at home or not at all."""
    row = Study.objects.across(both).filter(home="beta").first()
    with namespace_scope(both[0]), operation(actor=Actor.user(ana)), pytest.raises(NamespaceMismatch):
        row.save()


def test_instance__saved_unbound__is_refused(both: list[Namespace], ana: User) -> None:
    """Reading across binds nothing."""
    row = Study.objects.across(both).first()
    with operation(actor=Actor.user(ana)), pytest.raises(NamespaceMismatch):
        row.save()


def test_instance__saved_at_home__is_saved_there_alone(both: list[Namespace], bea: User) -> None:
    """The namespace with the same key in it keeps its own row."""
    row = Study.objects.across(both).filter(home="beta").first()
    with namespace_scope(both[1]), operation(actor=Actor.user(bea)):
        row.title = "changed"
        row.save()
    assert {one.home for one in Study.objects.across(both).filter(title="changed")} == {"beta"}


def test_deleted__read_across__stay_invisible(both: list[Namespace], ana: User) -> None:
    """``objects`` hides, ``deleted_objects`` shows deleted rows, as in one namespace."""
    with namespace_scope(both[0]), operation(actor=Actor.user(ana)):
        gone = Study.objects.first()
        gone.delete()
    assert not Study.objects.across(both).filter(pk=gone.pk, home="alpha").exists()
    assert Study.deleted_objects.across(both).filter(pk=gone.pk, home="alpha").exists()


def test_history__read_across__has_a_home_as_well(both: list[Namespace]) -> None:
    """History rows are read over many namespaces like any other."""
    counts = Study.history.across(both).values("home").annotate(n=Count("*"))
    assert {row["home"] for row in counts} == {"alpha", "beta"}


# Writes


WRITES: dict[str, Callable[[Any], Any]] = {
    "create": lambda rows: rows.create(code="X"),
    "get_or_create": lambda rows: rows.get_or_create(code="X"),
    "update_or_create": lambda rows: rows.update_or_create(code="X"),
    "bulk_create": lambda rows: rows.bulk_create([Study(code="X")]),
    "bulk_update": lambda rows: rows.bulk_update(list(rows), ["code"]),
    "update": lambda rows: rows.update(code="X"),
    "delete": lambda rows: rows.delete(),
    "undelete": lambda rows: rows.undelete(),
    "purge": lambda rows: rows.purge(),
    "raw delete": lambda rows: rows._raw_delete("default"),
    "lock": lambda rows: rows.select_for_update(),
    "filtered update": lambda rows: rows.filter(code="P1").order_by("code").update(code="X"),
    "Django's own update": lambda rows: QuerySet.update(rows, code="X"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_write__through_many__is_refused(
    both: list[Namespace], ana: User, write: Callable[[Any], Any]
) -> None:
    """No write goes through a queryset over many namespaces, also while one of them is bound."""
    with namespace_scope(both[0]), operation(actor=Actor.user(ana)):
        with pytest.raises(ManySchemasReadOnly, match="only reads"), transaction.atomic():
            write(Study.objects.across(both))
        assert Study.all_objects.filter(code="X").count() == 0


def test_update__of_one_namespace_by_what_many_know__is_possible(both: list[Namespace], ana: User) -> None:
    """Many namespaces may be asked which rows of one to write."""
    known = Study.objects.across(both).filter(home="beta", code="P5").values("pk")
    with namespace_scope(both[0]), operation(actor=Actor.user(ana)):
        assert Study.objects.filter(pk__in=known).update(title="known") == 1


# What can be read


def test_across__no_namespaces__gives_no_rows(both: list[Namespace]) -> None:
    """An empty list is no error, whatever is asked of it."""
    rows = Study.objects.across([])
    assert list(rows) == []
    assert rows.count() == 0
    assert list(rows.annotate(n=Count("specimens")).filter(home="alpha").values("code", "n")) == []


def test_across__the_same_namespace_twice__reads_it_once(both: list[Namespace]) -> None:
    """Rows are not doubled."""
    assert Study.objects.across([both[0], both[0]]).count() == Study.objects.across(both[:1]).count()


@pytest.mark.parametrize("given", ["public", None, "t_alpha"])
def test_across__something_else_than_a_namespace__is_refused(given: Any, both: list[Namespace]) -> None:
    """Schema names are taken from rows of the namespace table alone."""
    with pytest.raises(InvalidInput, match="no saved namespace"):
        Study.objects.across([given])


def test_across__namespace_that_was_never_saved__is_refused(both: list[Namespace]) -> None:
    """A namespace made up in passing names no schema."""
    with pytest.raises(InvalidInput, match="no saved namespace"):
        Study.objects.across([Namespace(slug="x", name="x", schema_name="public")])


def test_across__strange_schema_name__is_quoted(both: list[Namespace]) -> None:
    """Quotes, percent signs and semicolons in a name stay a name."""
    name = 't_"; DROP TABLE x; --%s%'
    with connection.cursor() as cursor:
        rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
        cursor.execute(rename.format(sql.Identifier(both[1].schema_name), sql.Identifier(name)))
    Namespace.objects.filter(pk=both[1].pk).update(schema_name=name)
    namespaces = Namespace.objects.filter(slug__in=["alpha", "beta"])
    found = Study.objects.across(namespaces).exclude(title__contains="100%")
    assert {row.home for row in found} == {"alpha", "beta"}


def test_across__more_than_one_statement_may_touch__is_refused(both: list[Namespace]) -> None:
    """The limit is that of SMARTMODELS_SCHEMAS_PER_STATEMENT."""
    with override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=1), pytest.raises(InvalidInput, match="chunks"):
        Study.objects.across(both)


UNSUPPORTED: dict[str, Callable[[Any], Any]] = {
    "raw statement": lambda rows: rows.raw("SELECT * FROM research_study"),
    "raw expression": lambda rows: rows.annotate(x=RawSQL("(SELECT count(*) FROM research_study)", [])),
    "raw condition": lambda rows: rows.extra(where=["code = 'P1'"]),
    "raw tables": lambda rows: rows.extra(tables=["research_specimen"]),
    "raw column": lambda rows: rows.extra(select={"x": "1"}),
}


@pytest.mark.parametrize("make", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_across__raw_sql__is_refused(both: list[Namespace], make: Callable[[Any], Any]) -> None:
    """What could name a table without its schema does not run."""
    with namespace_scope(both[0]), pytest.raises(ManySchemasUnsupported):
        list(make(Study.objects.across(both)))


@pytest.mark.parametrize(
    "late",
    [
        lambda rows: rows[:3],
        lambda rows: rows.values("code"),
        lambda rows: rows.union(rows),
        lambda rows: rows.annotate(n=Count("specimens")),
    ],
)
def test_across__after_the_query_took_shape__is_refused(
    in_alpha: Namespace, both: list[Namespace], late: Callable[[Any], Any]
) -> None:
    """Slices, values and groups come after ``across``."""
    with pytest.raises(ManySchemasUnsupported, match="first"):
        late(Study.objects.all()).across(both)


def test_across__nothing_bound__needs_nothing_bound(both: list[Namespace]) -> None:
    """The query names its schemas itself, those of subqueries included."""
    assert current_namespace() is None
    rows = Study.objects.across(both).filter(Exists(Specimen.objects.filter(study=OuterRef("pk"))))
    assert rows.count() > 0


def test_across__inside_a_namespace__reads_the_others_too(both: list[Namespace]) -> None:
    """Also with subqueries that were made where one namespace is bound."""
    unbound = Study.objects.across(both).filter(Exists(Specimen.objects.filter(study=OuterRef("pk")))).count()
    with namespace_scope(both[0]):
        inside = Study.objects.across(both).filter(Exists(Specimen.objects.filter(study=OuterRef("pk"))))
        assert inside.count() == unbound


def test_across__leaves_the_queryset_it_came_from_alone(both: list[Namespace]) -> None:
    """Making one over many changes nothing about the one in hand."""
    with namespace_scope(both[0]):
        rows = Study.objects.filter(Exists(Specimen.objects.filter(study=OuterRef("pk"))))
        before = rows.count()
        assert rows.across(both).count() > before
        assert rows.all().count() == before


def test_single__after_many_were_read__is_still_checked(both: list[Namespace]) -> None:
    """Rendering many leaves nothing behind that would let an unbound query through."""
    list(Study.objects.across(both))
    with pytest.raises(NamespaceNotBound):
        Study.objects.count()


def test_single__after_a_failure_while_rendering_many__is_still_checked(both: list[Namespace]) -> None:
    """An error in the middle of rendering leaves nothing behind either."""
    with pytest.raises(ManySchemasUnsupported):
        list(Study.objects.across(both).extra(where=["true"]))
    with pytest.raises(NamespaceNotBound):
        Study.objects.count()
