"""Which names a namespace can get, and which schemas are never touched (DESIGN T4)."""

from typing import Any

import pytest
from django.db import connection

from shared_apps.namespaces.models import Domain, Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import (
    HostTaken,
    InvalidInput,
    NamespaceFailed,
    NamespaceNotFound,
    SlugInvalid,
    SlugTaken,
)
from smartmodels.tenancy import life, provisioning
from smartmodels.tenancy.errors import NamespaceStateRefused
from smartmodels.tenancy.models import State
from smartmodels.tenancy.schemas import create_schema, drop_schema, marked_schemas, schema_mark
from tenant_apps.research.models import Study
from tests.support.lives import act, remove


@pytest.fixture
def foreign(db: None) -> str:
    """A schema that somebody else made."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA t_foreign_123 CREATE TABLE kept (id int)")
    return "t_foreign_123"


# Schemas


def test_drop__of_a_schema_without_our_mark__is_refused(foreign: str, alpha: Namespace) -> None:
    """Nothing is dropped that we did not make."""
    with pytest.raises(NamespaceFailed):
        drop_schema(foreign, alpha.pk)
    assert schema_mark(foreign) == ""


def test_drop__of_another_namespaces_schema__is_refused(alpha: Namespace, beta: Namespace) -> None:
    """The mark names the namespace that the schema belongs to."""
    with pytest.raises(NamespaceFailed):
        drop_schema(beta.schema_name, alpha.pk)
    assert beta.schema_name in marked_schemas()


def test_drop__of_the_public_schema__is_refused(alpha: Namespace) -> None:
    """Not even with our mark on it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(%s::regnamespace)", [f'"{alpha.schema_name}"'])
        mark = cursor.fetchone()[0]
        cursor.execute(f"COMMENT ON SCHEMA public IS '{mark}'")
    with pytest.raises(NamespaceFailed):
        drop_schema("public", alpha.pk)


def test_drop__of_a_schema_that_is_gone__changes_nothing(alpha: Namespace) -> None:
    """Dropping can be repeated."""
    assert drop_schema("t_gone_123", alpha.pk) is False


def test_delete__of_a_namespace_whose_schema_is_not_ours__drops_nothing(
    foreign: str, alpha: Namespace
) -> None:
    """A row that names a foreign schema, however it came to, cannot have it dropped."""
    Namespace.objects.filter(pk=alpha.pk).update(schema_name=foreign)
    alpha.refresh_from_db()
    with pytest.raises(NamespaceFailed):
        remove(alpha)
    assert schema_mark(foreign) == ""


def test_create__over_a_foreign_schema__is_refused(foreign: str, alpha: Namespace) -> None:
    """What exists already is not taken over."""
    with pytest.raises(NamespaceFailed):
        create_schema(foreign, alpha.pk)
    assert schema_mark(foreign) == ""


# Names


def test_namespace__made_again_with_an_old_slug__is_empty(committing: Any, ana: Any) -> None:
    """Slugs come again, schemas do not."""
    first = provisioning.provision("again", name="Again", owner=ana)
    with namespace_scope(first), operation(actor=Actor.user(ana)):
        Study.objects.create(code="old")
    remove(first)
    second = provisioning.provision("again", name="Again", owner=ana)
    with namespace_scope(second):
        assert (Study.all_objects.count(), second.schema_name != first.schema_name) == (0, True)


@pytest.mark.parametrize("slug", ["alpha", "ALPHA", " alpha "])
def test_reserve__of_a_slug_in_use__is_refused(alpha: Namespace, ana: Any, slug: str) -> None:
    """Slugs are compared in lower case."""
    with pytest.raises(SlugTaken):
        provisioning.reserve(slug, name="Second", owner=ana)


@pytest.mark.parametrize(
    "slug", ["", "a", "1abc", "a_b", "a--b", "-ab", "ab-", "a b", "\u00e4pfel", "x" * 32, "www"]
)
def test_reserve__of_a_slug_that_breaks_the_rules__makes_nothing(db: None, ana: Any, slug: str) -> None:
    """Nothing is left behind by a refusal."""
    before = Namespace.objects.count()
    with pytest.raises(SlugInvalid):
        provisioning.reserve(slug, name="Name", owner=ana)
    assert Namespace.objects.count() == before


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "nul\x00", "half\ud800"])
def test_reserve__with_a_name_that_cannot_be_used__is_refused(ana: Any, name: str) -> None:
    """Names are for people: something to read, 200 characters at most."""
    with pytest.raises(InvalidInput):
        provisioning.reserve("gamma", name=name, owner=ana)


def test_reserve__of_a_host_another_namespace_has__is_refused(alpha: Namespace, ana: Any) -> None:
    """A custom domain of one namespace cannot become the first host of another."""
    Domain.objects.create(tenant=alpha, domain="gamma.localhost", is_primary=False)
    with pytest.raises(HostTaken):
        provisioning.reserve("gamma", name="Gamma", owner=ana)


@pytest.mark.parametrize("slug", ["nobody", "", "nul\x00", "half\ud800", "a" * 500, "alpha' OR '1'='1"])
def test_find__of_a_slug_nobody_has__says_so(alpha: Namespace, slug: str) -> None:
    """Whatever is asked for, the answer is the named error."""
    with pytest.raises(NamespaceNotFound):
        provisioning.find_namespace(slug)


# States


def test_resume__of_an_active_namespace__changes_nothing(alpha: Namespace) -> None:
    """Resuming can be repeated."""
    activated = alpha.activated_at
    assert provisioning.resume(alpha).activated_at == activated


def test_rollback__of_an_active_namespace__is_refused(alpha: Namespace) -> None:
    """Rolling back is for what was never finished."""
    with pytest.raises(InvalidInput):
        provisioning.rollback(alpha)
    assert alpha.schema_name in marked_schemas()


@pytest.mark.parametrize(
    "state", [State.RESERVED, State.CREATING, State.FAILED, State.ARCHIVED, State.DELETING]
)
def test_suspension__of_what_is_not_active__is_refused(alpha: Namespace, state: State) -> None:
    """Only an active namespace can be suspended."""
    Namespace.objects.filter(pk=alpha.pk).update(state=state)
    with pytest.raises(NamespaceStateRefused):
        act(life.suspend, alpha)


def test_suspension__repeated__changes_nothing(alpha: Namespace) -> None:
    """Suspending can be repeated."""
    act(life.suspend, alpha)
    assert act(life.suspend, alpha).state == State.SUSPENDED


def test_deletion__cut_off__is_finished_by_repeating_it(committing: Any, alpha: Namespace) -> None:
    """The row goes last, so there is always something to repeat."""
    Namespace.objects.filter(pk=alpha.pk).update(state=State.DELETING)
    drop_schema(alpha.schema_name, alpha.pk)
    act(life.purge, alpha)
    assert not Namespace.objects.filter(slug="alpha").exists()


def test_act__on_a_namespace_somebody_removed__says_so(committing: Any, alpha: Namespace) -> None:
    """A row that went away meanwhile is the named error."""
    remove(Namespace.objects.get(pk=alpha.pk))
    with pytest.raises(NamespaceNotFound):
        provisioning.resume(alpha)
