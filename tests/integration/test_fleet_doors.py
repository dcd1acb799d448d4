"""What is migrated where: the command, REST, staff pages, and requests to a namespace that is behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.namespaces.models import MigrationRun, Namespace, SchemaState
from smartmodels.tenancy.migrating import forget_schema_state, note_schema_state, rename_schema_state
from smartmodels.tenancy.migrating.previewing import lock_of
from smartmodels.tenancy.migrating.requiring import required_migrations
from tests.support.fleets import ADD_FIELD, Written, columns_of, namespace_command, written_migrations

RUNS, STATUS = "/api/v1/migration-runs/", "/api/v1/namespaces/migration-status/"


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Migrations of activities that the test writes."""
    with written_migrations(tmp_path) as made:
        yield made


def test_status__of_namespaces_that_are_behind__tells_by_app(
    alpha: Namespace, beta: Namespace, written: Written
) -> None:
    """The newest migration of each app, and how many are lacking."""
    written.add(ADD_FIELD)
    rows = namespace_command("status")
    assert [(row["slug"], row["behind"]) for row in rows] == [("alpha", 1), ("beta", 1)]
    assert rows[0]["apps"]["activities"] == {"latest": "0001_initial", "behind": 1}


def test_status__of_however_many__costs_the_same_queries(alpha: Namespace, beta: Namespace) -> None:
    """Namespaces, schemas, states and kinds of them."""
    with CaptureQueriesContext(connection) as queries:
        namespace_command("status")
    assert len(queries) == 4


def test_status__that_is_verified__finds_and_mends_what_is_noted_wrongly(alpha: Namespace) -> None:
    """Whatever wrote it."""
    SchemaState.objects.filter(schema_name=alpha.schema_name).update(applied=[], fingerprint="")
    found = {row["slug"]: row["noted"] for row in namespace_command("status", "--verify")}
    assert found == {"alpha": False, "beta": True}
    assert all(row["noted"] for row in namespace_command("status", "--verify"))


def test_state__of_a_schema__follows_whatever_writes_its_records(alpha: Namespace) -> None:
    """Plain SQL, too."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{alpha.schema_name}".django_migrations '  # noqa: S608 - a name we made
            "VALUES (DEFAULT, 'x', 'y', now())"
        )
    assert "x.y" in SchemaState.objects.get(pk=alpha.schema_name).applied


def test_state__of_a_schema__can_be_renamed_forgotten_and_noted(alpha: Namespace) -> None:
    """For those who rename and drop schemas, which fires no trigger."""
    rename_schema_state(alpha.schema_name, "other")
    assert not SchemaState.objects.filter(pk=alpha.schema_name).exists()
    forget_schema_state("other")
    note_schema_state(alpha.schema_name)
    assert list(SchemaState.objects.filter(pk__in=["other", alpha.schema_name])) == [
        SchemaState.objects.get(pk=alpha.schema_name)
    ]


def test_plan__of_a_fleet__tells_statements_and_locks_and_changes_nothing(
    alpha: Namespace, beta: Namespace, written: Written
) -> None:
    """Once for all that are alike."""
    written.add(ADD_FIELD)
    (group,) = namespace_command("migrate", "--plan")["groups"]
    assert group["namespaces"] == ["alpha", "beta"]
    assert {each["lock"] for each in group["migrations"][0]["statements"]} == {"ACCESS EXCLUSIVE"}
    assert "mood" not in columns_of(alpha)


@pytest.mark.parametrize(
    ("statement", "lock"),
    [
        ('ALTER TABLE "a" ADD COLUMN "b" int', "ACCESS EXCLUSIVE"),
        ('CREATE INDEX CONCURRENTLY "i" ON "a" ("b")', "SHARE UPDATE EXCLUSIVE"),
        ('CREATE UNIQUE INDEX "i" ON "a" ("b")', "SHARE"),
        ('ALTER TABLE "a" ADD CONSTRAINT "c" FOREIGN KEY ("b") REFERENCES "d" ("e")', "SHARE ROW EXCLUSIVE"),
        ('ALTER TABLE "a" VALIDATE CONSTRAINT "c"', "SHARE UPDATE EXCLUSIVE"),
        ('CREATE TRIGGER "t" BEFORE TRUNCATE ON "a" EXECUTE FUNCTION f()', "SHARE ROW EXCLUSIVE"),
        ("UPDATE a SET b = 1", "ROW EXCLUSIVE"),
        ('CREATE TABLE "a" ("b" int)', None),
    ],
)
def test_lock__of_a_statement__is_the_one_it_takes(statement: str, lock: str | None) -> None:
    """As PostgreSQL's manual lists them."""
    assert lock_of(statement) == lock


def test_migration_status__over_rest__is_for_staff(
    api_of: Any, staff: Any, ana: Any, alpha: Namespace, beta: Namespace
) -> None:
    """On the public host."""
    assert api_of(ana, None).get(STATUS).status_code == 403
    answer = api_of(staff, None).get(STATUS)
    assert [(row["slug"], row["behind"]) for row in answer.json()] == [("alpha", 0), ("beta", 0)]


def test_run__over_rest__migrates_and_is_listed(
    committing: Any, api_of: Any, staff: Any, alpha: Namespace, beta: Namespace, written: Written
) -> None:
    """By name, while the request waits."""
    written.add(ADD_FIELD)
    api = api_of(staff, None)
    made = api.post(RUNS, {"namespaces": ["alpha"]}).json()
    assert (made["migrated"], "mood" in columns_of(alpha), "mood" in columns_of(beta)) == (
        ["alpha"],
        True,
        False,
    )
    assert [run["id"] for run in api.get(RUNS).json()["results"]] == [made["run"]]
    outcomes = api.get(f"{RUNS}{made['run']}/").json()["outcomes"]
    assert [(row["slug"], row["migration"]) for row in outcomes] == [("alpha", "activities.0002_written")]


@pytest.mark.parametrize(
    "body", [{}, {"namespaces": []}, {"namespaces": ["nobody"]}, {"namespaces": "alpha"}]
)
def test_new_run__of_nonsense__is_refused(api_of: Any, staff: Any, body: Any) -> None:
    """With 400."""
    assert api_of(staff, None).post(RUNS, body).status_code == 400


@pytest.mark.parametrize("key", ["nonsense", "01a2051b-0c16-706b-997f-b7deededa4ff"])
def test_run__that_nobody_made__is_not_found(api_of: Any, staff: Any, key: str) -> None:
    """With 404."""
    assert api_of(staff, None).get(f"{RUNS}{key}/").status_code == 404


def test_runs__on_the_staff_pages__can_be_read(client_of: Any, staff: Any, alpha: Namespace) -> None:
    """And nothing else."""
    run = MigrationRun.objects.create(
        actor_kind="command", actor_label="x", operation_id=alpha.pk, namespaces=["alpha"]
    )
    client = client_of(staff, None)
    pages = ("migrationrun/", f"migrationrun/{run.pk}/change/", "schemastate/", "migrationrun/add/")
    codes = [client.get(f"/admin/namespaces/{page}").status_code for page in pages]
    assert codes == [200, 200, 200, 403]


def test_request__to_a_namespace_behind_what_must_be_there__is_answered_503(
    committing: Any, client_of: Any, ana: Any, alpha: Namespace, written: Written
) -> None:
    """From the moment the code needs it to the moment it is migrated."""
    client = client_of(ana, alpha)
    assert client.get("/api/v1/studies/").status_code == 200
    written.add(ADD_FIELD, "requires_current = True")
    required_migrations.cache_clear()
    answer = client.get("/api/v1/studies/")
    assert (answer.status_code, answer.json()["code"], "Retry-After" in answer) == (
        503,
        "namespace-behind",
        True,
    )
    namespace_command("migrate", "alpha")
    assert client.get("/api/v1/studies/").status_code == 200


def test_request__where_a_migration_is_required__costs_no_query_more(
    committing: Any, alpha: Namespace, ana: Any, client_of: Any, written: Written
) -> None:
    """It is asked with the host."""
    client = client_of(ana, alpha)
    client.get("/api/v1/studies/")
    with CaptureQueriesContext(connection) as before:
        client.get("/api/v1/studies/")
    written.add("requires_current = True", "operations = []")
    namespace_command("migrate", "alpha")
    required_migrations.cache_clear()
    with CaptureQueriesContext(connection) as after:
        client.get("/api/v1/studies/")
    assert (len(after), required_migrations()) == (len(before), {"activities.0002_written": ()})
