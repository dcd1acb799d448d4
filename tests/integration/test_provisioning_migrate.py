"""`manage.py migrate`: public first, then every namespace, whatever becomes of the others."""

import json
import threading
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command, get_commands
from django.db import connection, connections

from shared_apps.namespaces.models import Namespace
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.migrating import migrate_namespace, pending
from smartmodels.tenancy.models import State
from tests.support.processes import manage
from tests.support.shapes import shape_of

BOTH = ("alpha", "beta")


def migrate(*words: str) -> Any:
    """Run the command with --json in this process; what it printed, parsed, also when it failed."""
    output = StringIO()
    try:
        call_command("migrate", *words, "--json", stdout=output, stderr=StringIO())
    except CommandError as error:
        return {**json.loads(output.getvalue()), "error": str(error)}
    return json.loads(output.getvalue())


@pytest.fixture
def behind(committing: Any, alpha: Namespace, beta: Namespace) -> list[Namespace]:
    """Alpha and beta, both lacking the tables of one app."""
    for namespace in (alpha, beta):
        migrate_namespace(namespace, app_label="activities", migration_name="zero")
    return [alpha, beta]


def _occupy(namespace: Namespace) -> None:
    """Let the first migration of activities fail in this namespace."""
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TABLE "{namespace.schema_name}".activities_activity (id int)')


def test_migrate__among_the_commands__is_ours() -> None:
    """Django finds ours before that of django-tenants."""
    assert get_commands()["migrate"] == "smartmodels"


def test_migrate__of_namespaces_that_are_behind__brings_them_up_to_date(behind: list[Namespace]) -> None:
    """Each gets what it lacks, and ends as it was before."""
    result = migrate()
    assert [(each["slug"], each["error"]) for each in result["namespaces"]] == [(slug, None) for slug in BOTH]
    assert all("activities.0001_initial" in each["applied"] for each in result["namespaces"])
    assert shape_of(behind[0].schema_name) == shape_of(behind[1].schema_name)


def test_migrate__repeated__applies_nothing(alpha: Namespace, beta: Namespace) -> None:
    """Nothing to do is nothing done."""
    result = migrate()
    assert result["public"] == {"applied": []}
    assert [each["applied"] for each in result["namespaces"]] == [[], []]


def test_migrate__when_one_fails__goes_on_with_the_next(behind: list[Namespace]) -> None:
    """Alpha cannot be migrated, beta is."""
    _occupy(behind[0])
    result = migrate()
    assert "1 of 2 namespaces failed: alpha." in result["error"]
    assert (pending(behind[0]) != [], pending(behind[1])) == (True, [])


def test_migrate__that_failed__is_finished_by_running_it_again(behind: list[Namespace]) -> None:
    """Once the cause is gone."""
    _occupy(behind[0])
    migrate()
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TABLE "{behind[0].schema_name}".activities_activity')
    assert "error" not in migrate()
    assert pending(behind[0]) == []


def test_migrate__of_a_namespace_somebody_is_at_work_on__says_busy(behind: list[Namespace]) -> None:
    """Two never migrate one namespace at the same time."""
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with provisioning.exclusively(behind[0]):
            begun.set()
            go_on.wait(30)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(30)
    result = migrate()
    go_on.set()
    thread.join()
    assert [(each["error"] or "").partition(":")[0] for each in result["namespaces"]] == ["NamespaceBusy", ""]


def test_migrate__of_one_namespace__leaves_the_others(behind: list[Namespace]) -> None:
    """Public is left alone, too."""
    result = migrate("--namespace", "beta")
    assert (result["public"], [each["slug"] for each in result["namespaces"]]) == (None, ["beta"])
    assert (pending(behind[0]) != [], pending(behind[1])) == (True, [])


def test_migrate__of_a_namespace_nobody_has__is_refused(db: None) -> None:
    """With the code every command gives."""
    with pytest.raises(CommandError, match=r"\[namespace-not-found\]"):
        call_command("migrate", "--namespace", "nobody")


def test_migrate__of_public_only__leaves_the_namespaces(behind: list[Namespace]) -> None:
    """As Django's own command does."""
    assert migrate("--public-only")["namespaces"] == []
    assert all(pending(namespace) for namespace in behind)


def test_migrate__of_a_shared_app__leaves_the_namespaces(behind: list[Namespace]) -> None:
    """An app named on the command line is migrated where its tables are."""
    assert migrate("accounts")["namespaces"] == []


def test_migrate__of_a_tenant_app_backwards__goes_back_everywhere(committing: Any, alpha: Namespace) -> None:
    """As with Django's own command, by app and name."""
    migrate("activities", "zero")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'activities%' AND schemaname LIKE 't\\_%'"
        )
        assert cursor.fetchone() == (0,)


def test_plan__of_namespaces_that_are_behind__changes_nothing(behind: list[Namespace]) -> None:
    """What would be applied, per namespace."""
    result = migrate("--plan")
    assert all("activities.0001_initial" in each["pending"] for each in result["namespaces"])
    assert all(pending(namespace) for namespace in behind)


@pytest.mark.parametrize(("prepared", "code"), [(False, 1), (True, 0)])
def test_check__of_namespaces__exits_by_whether_they_are_behind(
    behind: list[Namespace], prepared: bool, code: int
) -> None:
    """For scripts that wait until everything is migrated."""
    if prepared:
        migrate()
    assert manage("migrate", "--check").returncode == code


@pytest.mark.parametrize("state", [State.SUSPENDED, State.ARCHIVED])
def test_migrate__of_a_namespace_not_served__migrates_it_as_well(
    behind: list[Namespace], state: State
) -> None:
    """So that it can be served again at once."""
    Namespace.objects.filter(pk=behind[0].pk).update(state=state)
    migrate()
    assert pending(behind[0]) == []


def test_migrate__of_a_reservation__skips_it(ana: Any) -> None:
    """What has no schema yet gets its tables when it is provisioned."""
    provisioning.reserve("gamma", name="Gamma", owner=ana)
    assert [each["slug"] for each in migrate()["namespaces"]] == list(BOTH)


def test_public__after_migrating__knows_the_types_and_permissions_of_all_apps(db: None) -> None:
    """One id for a model, whatever namespace its rows are in (DESIGN T6)."""
    assert ContentType.objects.filter(app_label="research", model="study").count() == 1
    assert Permission.objects.filter(codename="change_study").count() == 1


@pytest.mark.parametrize(
    "table", ["django_content_type", "auth_permission", "accounts_user", "accounts_session"]
)
def test_shared_table__after_migrating__is_in_public_alone(db: None, table: str) -> None:
    """What all namespaces share stands in one schema."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename = %s", [table])
        assert cursor.fetchall() == [("public",)]


def test_foreign_keys__of_namespaces__stay_inside_their_schema(db: None) -> None:
    """No constraint crosses schemas (DESIGN T5)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint c JOIN pg_class a ON a.oid = c.conrelid"
            " JOIN pg_class b ON b.oid = c.confrelid WHERE a.relnamespace <> b.relnamespace"
        )
        assert cursor.fetchall() == []


def test_migrate__of_an_empty_database__makes_the_public_schema(
    databases: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without namespaces it does what Django's own command does."""
    with databases.empty() as name:
        monkeypatch.setenv("DATABASE_URL", databases.url_of(name))
        done = manage("migrate", "--json")
        result = json.loads(done.stdout)
    assert (done.returncode, result["namespaces"]) == (0, [])
    assert "namespaces.0001_initial" in result["public"]["applied"]


def test_models__of_all_apps__have_their_migrations(db: None) -> None:
    """What the models say is what the migrations make."""
    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())
