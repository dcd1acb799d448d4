"""Spares: claimed by one, never when they are behind, never what is not ours."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import override_settings

from shared_apps.namespaces.models import Namespace, SchemaTemplate, Spare
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import HostTaken, NamespaceFailed
from smartmodels.history import history_model
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.audit import entries
from smartmodels.tenancy.hosts import hold_host
from smartmodels.tenancy.migrating.states import disagreements
from smartmodels.tenancy.names import SPARE_MARK
from smartmodels.tenancy.schemas import marked_schemas, schema_mark
from smartmodels.tenancy.spares import SparesReport, count_spares, fill_spares
from tenant_apps.research.models import Study
from tests.support.asking import asking
from tests.support.dumps import dump_of

Ask = Callable[..., Any]


@pytest.fixture
def ask(committing: Any) -> Iterator[Ask]:
    """Give a task to tests/support/mortal.py, on the test's database; returns the answer."""
    with asking() as answer:
        yield answer


def oids(schemas: Any) -> set[int]:
    """What PostgreSQL knows the schemas by, whatever they are called."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT oid FROM pg_namespace WHERE nspname = ANY(%s)", [list(schemas)])
        return {oid for (oid,) in cursor.fetchall()}


def test_spare__claimed__is_what_the_script_makes(committing: Any, alpha: Namespace, ana: Any) -> None:
    """Nothing of it says that it was a spare."""
    fill_spares(1)
    spare = oids(marked_schemas(mark=SPARE_MARK))
    made = provisioning.provision("gamma", name="Gamma", owner=ana)
    assert (oids([made.schema_name]), Spare.objects.count()) == (spare, 0)
    assert schema_mark(made.schema_name) == f"smartmodels namespace {made.pk}"
    assert dump_of(made.schema_name, committing.url) == dump_of(alpha.schema_name, committing.url)


def test_spare__claimed__captures_history(committing: Any, ana: Any) -> None:
    """The triggers work in the schema under its new name."""
    fill_spares(1)
    made = provisioning.provision("gamma", name="Gamma", owner=ana)
    with namespace_scope(made), operation(actor=Actor.user(ana)):
        study = Study.objects.create(code="first")
        study.delete()
        versions = history_model(Study).objects.filter(id=study.pk).order_by("history_id")
        assert [version.history_type for version in versions] == ["+", "-"]


def test_namespace__made_from_a_spare__costs_few_queries(
    committing: Any, ana: Any, django_assert_max_num_queries: Any
) -> None:
    """However many tables it has."""
    fill_spares(1)
    with django_assert_max_num_queries(3):
        provisioning.provision("gamma", name="Gamma", owner=ana)


def test_namespace__made_from_a_spare__has_all_its_rows(committing: Any, ana: Any) -> None:
    """Its host, its owner, an entry in the audit, and the state of its migrations."""
    fill_spares(1)
    with operation(actor=Actor.user(ana)):
        made = provisioning.provision("gamma", name="Gamma", owner=ana)
    found = Namespace.objects.get(pk=made.pk)
    assert (found.state, found.step, found.created_at) == ("active", "activate", made.created_at)
    assert list(found.domains.values_list("domain", "is_primary")) == [("gamma.localhost", True)]
    assert list(found.memberships.values_list("user", "role")) == [(ana.pk, "owner")]
    assert [(entry.action, entry.user_id) for entry in entries(slug="gamma")] == [("create", ana.pk)]
    assert disagreements([made.schema_name]) == []


def test_spare__host_held_for_another__is_refused_and_the_spare_kept(committing: Any, ana: Any) -> None:
    """The host is asked for in the message that takes the spare."""
    fill_spares(1)
    hold_host("gamma.localhost", uuid4())
    with pytest.raises(HostTaken):
        provisioning.provision("gamma", name="Gamma", owner=ana)
    assert (count_spares(), Namespace.objects.filter(slug="gamma").exists()) == (1, False)


def test_fill__repeated__makes_what_is_missing(committing: Any, ana: Any) -> None:
    """So many and no more."""
    assert fill_spares(2) == SparesReport(made=2, dropped=0, ready=2)
    assert fill_spares(2) == SparesReport(made=0, dropped=0, ready=2)
    provisioning.provision("gamma", name="Gamma", owner=ana)
    with override_settings(SMARTMODELS_SPARE_NAMESPACES=2):
        assert fill_spares() == SparesReport(made=1, dropped=0, ready=2)


def test_spare__behind_the_migrations__is_never_handed_out(committing: Any, ana: Any) -> None:
    """The namespace is made by the script instead."""
    fill_spares(1)
    behind = oids(marked_schemas(mark=SPARE_MARK))
    Spare.objects.update(fingerprint="older")
    made = provisioning.provision("gamma", name="Gamma", owner=ana)
    assert (made.state, oids([made.schema_name]) & behind, count_spares()) == ("active", set(), 0)


def test_fill__with_spares_behind_the_migrations__replaces_them(committing: Any) -> None:
    """They go with their schemas, and so do schemas that no row knows."""
    fill_spares(2)
    before = set(marked_schemas(mark=SPARE_MARK))
    Spare.objects.update(fingerprint="older")
    Spare.objects.filter(schema_name=min(before)).delete()
    assert fill_spares(1) == SparesReport(made=1, dropped=2, ready=1)
    assert before.isdisjoint(marked_schemas(mark=SPARE_MARK))


@pytest.mark.parametrize("comment", ["NULL", "'smartmodels namespace 1'", "'smartmodels spare other'"])
def test_spare__without_its_mark__is_neither_used_nor_dropped(
    committing: Any, ana: Any, comment: str
) -> None:
    """Whoever made it what it is now, it is not ours."""
    fill_spares(1)
    schema = Spare.objects.get().schema_name
    with connection.cursor() as cursor:
        cursor.execute(f'COMMENT ON SCHEMA "{schema}" IS {comment}')
    made = provisioning.provision("gamma", name="Gamma", owner=ana)
    assert (made.state, schema_mark(schema) is not None) == ("active", True)


def test_fill__while_the_template_cannot_be_recorded__makes_none(committing: Any) -> None:
    """Migrations are run when somebody waits for the namespace, not ahead."""
    SchemaTemplate.objects.update(script="", error="type span")
    assert fill_spares(2) == SparesReport(made=0, dropped=0, ready=0)


def test_failed_claim__gives_the_spare_back(committing: Any, ana: Any) -> None:
    """What comes after the claim is in one transaction with it."""
    fill_spares(1)

    def fail(step: str) -> None:
        if step == "host":
            raise OSError("no")

    with pytest.raises(NamespaceFailed):
        provisioning.provision("gamma", name="Gamma", owner=ana, progress=fail)
    assert (count_spares(), len(marked_schemas(mark=SPARE_MARK))) == (1, 1)


def test_spares__wanted_by_twenty_at_once__are_claimed_by_three(ask: Ask) -> None:
    """Three different ones; seventeen namespaces are made by the script, and nobody is refused."""
    fill_spares(3)
    spares = oids(marked_schemas(mark=SPARE_MARK))
    assert ask(slug="wanted", runners=20, each=True) == ["made"] * 20
    made = Namespace.objects.filter(slug__startswith="wanted", state="active")
    assert (made.count(), Spare.objects.count()) == (20, 0)
    assert oids(made.values_list("schema_name", flat=True)) > spares


def test_claim__killed_anywhere__leaves_the_spare_or_a_namespace(ask: Ask) -> None:
    """Before every statement: the spare is there, or the namespace is whole, and it can be finished."""
    fill_spares(1)
    _, statements = ask(slug="whole")
    left = []
    for number in range(1, statements + 1):
        fill_spares(1)
        assert ask(slug=f"killed{number}", statement=number) == "killed"
        found = Namespace.objects.filter(slug=f"killed{number}").first()
        whole = found is not None and found.state == "active"
        if count_spares() != int(not whole):
            left.append(number)
    assert left == []
