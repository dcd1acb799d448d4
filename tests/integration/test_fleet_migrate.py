"""`manage.py namespace migrate`: planned once, recorded in one schema, replayed in all that are alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.namespaces.models import MigrationOutcome, MigrationRun, Namespace
from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy.migrating.options import MigrationOptions
from smartmodels.tenancy.models import State
from tests.support.copies import copied, script_of
from tests.support.fleets import ADD_FIELD, Written, columns_of, has, namespace_command, written_migrations


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Migrations of activities that the test writes."""
    with written_migrations(tmp_path) as made:
        yield made


@pytest.fixture
def fleet(committing: Any, alpha: Namespace, beta: Namespace) -> list[Namespace]:
    """Alpha and beta, and six more that have the tables of one app alone."""
    script = script_of(alpha.schema_name, "activities%", "django_migrations")
    return [alpha, beta, *(copied(f"c{number}", script) for number in range(6))]


def ways() -> list[str]:
    """How the migrations of the last run reached their schemas."""
    return sorted(
        MigrationOutcome.objects.filter(run=MigrationRun.objects.first()).values_list("way", flat=True)
    )


def errors_of(result: Any) -> list[str]:
    """What went wrong."""
    return [each["error"] for each in result["namespaces"] if each["error"]]


def migrate(*words: str) -> Any:
    return namespace_command("migrate", *words)


def test_migrate__of_a_fleet__reaches_every_schema(fleet: list[Namespace], written: Written) -> None:
    """Columns, own records and the table of states agree."""
    name = written.add(ADD_FIELD)
    assert errors_of(migrate()) == []
    assert [(has(each, name), "mood" in columns_of(each)) for each in fleet] == [((True, True), True)] * 8


def test_migrate__of_schemas_that_are_alike__records_in_one_and_replays(
    fleet: list[Namespace], written: Written
) -> None:
    """Django works out the statements once."""
    written.add(ADD_FIELD)
    migrate()
    assert ways() == ["recorded"] + ["replayed"] * 7


def test_migrate__of_many_that_are_alike__sends_several_in_one_message(
    committing: Any, alpha: Namespace, written: Written
) -> None:
    """Sixteen go in messages of four."""
    script = script_of(alpha.schema_name, "activities_activity", "django_migrations")
    slugs = [copied(f"n{number:02}", script).slug for number in range(16)]
    written.add(ADD_FIELD)
    sent = migrate(*slugs, "--jobs", "1")
    # All of one message are said to have taken their share of its time.
    seconds = [each["steps"][0]["seconds"] for each in sent["namespaces"]]
    assert [len(set(seconds[at : at + 4])) for at in (4, 8, 12)] == [1, 1, 1]


def test_migrate__repeated__sends_nothing_to_any_schema(fleet: list[Namespace], written: Written) -> None:
    """However many there are."""
    with CaptureQueriesContext(connection) as few:
        migrate()
    script = script_of(fleet[0].schema_name, "django_migrations")
    for number in range(5):
        copied(f"d{number}", script)
    with CaptureQueriesContext(connection) as more:
        result = migrate()
    assert (len(more), result["run"], len(result["current"])) == (len(few), None, 13)


def test_migrate__of_some__leaves_the_others(fleet: list[Namespace], written: Written) -> None:
    """By slug."""
    name = written.add(ADD_FIELD)
    migrate("c1", "c2")
    assert [each.slug for each in fleet if has(each, name)[0]] == ["c1", "c2"]


def test_migrate__with_a_data_migration__runs_it_once_per_schema(
    fleet: list[Namespace], written: Written
) -> None:
    """Python cannot be replayed."""
    lines = "def tell(apps, editor):\n    editor.execute('CREATE TABLE told (schema text)')\n"
    lines += "    editor.execute('INSERT INTO told VALUES (current_schema())')\n"
    written.add("operations = [migrations.RunPython(tell)]", above="")
    (written.folder / "fleet_migrations" / "0002_written.py").write_text(
        lines + (written.folder / "fleet_migrations" / "0002_written.py").read_text()
    )
    migrate()
    assert ways() == ["own"] * 8
    with connection.cursor() as cursor:
        for each in fleet:
            cursor.execute(f'TABLE "{each.schema_name}".told')
            assert cursor.fetchall() == [(each.schema_name,)]


def test_migrate__that_reads_rows_to_decide__is_not_replayed(
    fleet: list[Namespace], written: Written
) -> None:
    """What one schema's rows say does not hold for the next."""
    above = (
        "from django.db.migrations.operations.base import Operation\n"
        "class Count(Operation):\n"
        "    def state_forwards(self, app_label, state): pass\n"
        "    def database_forwards(self, app_label, editor, before, after):\n"
        "        with editor.connection.cursor() as cursor:\n"
        "            cursor.execute('SELECT count(*) FROM activities_activity')\n"
        "            editor.execute(f'CREATE TABLE counted_{cursor.fetchone()[0]} ()')\n"
    )
    written.add("operations = [Count()]", above=above)
    migrate()
    assert ways() == ["own"] * 7 + ["recorded"]


def test_migrate__of_several_steps__takes_each_schema_through_all(
    fleet: list[Namespace], written: Written
) -> None:
    """Also a schema that has some of them already."""
    names = [written.add(ADD_FIELD)]
    migrate("c0")
    names.append(written.add('operations = [migrations.RemoveField("activity", "mood")]'))
    names.append(
        written.add('operations = [migrations.RunSQL("CREATE TABLE more (id int) -- no semicolon")]')
    )
    assert errors_of(migrate()) == []
    assert all(has(each, name) == (True, True) for each in fleet for name in names)


@pytest.mark.parametrize("number", [0, 27], ids=["the_first", "amid_a_message"])
def test_migrate__where_one_of_fifty_is_broken__migrates_the_others(
    number: int, committing: Any, alpha: Namespace, written: Written
) -> None:
    """49 are done, once each, the failure is named, and the next run takes up that one alone."""
    script = script_of(alpha.schema_name, "activities_activity", "django_migrations")
    made = [copied(f"n{each:02}", script) for each in range(50)]
    broken = made[number]
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{broken.schema_name}".activities_activity ADD mood int')
    name = written.add(ADD_FIELD)
    slugs = [each.slug for each in made]
    first = migrate(*slugs)
    assert (first["failed"], len(first["migrated"])) == ([broken.slug], 49)
    assert f"1 of 50 namespaces failed: {broken.slug}." in first["error"]
    assert [
        'column "mood" of relation "activities_activity" already exists' in error
        for error in errors_of(first)
    ] == [True]
    assert {each["note"] for each in first["namespaces"]} == {""}
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{broken.schema_name}".activities_activity DROP mood')
    second = migrate(*slugs)
    assert ([each["slug"] for each in second["namespaces"]], second["failed"]) == ([broken.slug], [])
    assert all(has(each, name) == (True, True) for each in made)


def test_migrate__where_a_canary_fails__tries_no_other(fleet: list[Namespace], written: Written) -> None:
    """What is wrong is learned from one."""
    written.add('operations = [migrations.RunSQL("SELECT 1 / 0")]')
    result = migrate("--canary", "1")
    assert (result["failed"], len(result["untried"])) == (["alpha"], 7)


def test_migrate__in_waves__stops_after_the_wave_that_failed(
    fleet: list[Namespace], written: Written
) -> None:
    """Alpha | beta c0 | the rest."""
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{fleet[1].schema_name}".activities_activity ADD mood int')
    written.add(ADD_FIELD)
    result = migrate("--canary", "1", "--waves", "2")
    assert (result["migrated"], result["failed"], result["untried"]) == (
        ["alpha", "c0"], ["beta"], ["c1", "c2", "c3", "c4", "c5"],
    )  # fmt: skip


def test_migrate__of_a_schema_that_drifted__asks_django_there(
    fleet: list[Namespace], written: Written
) -> None:
    """A constraint of another name is found by looking, not by replaying."""
    written.add('operations = [migrations.AlterUniqueTogether("activity", {("kind", "text")})]')
    migrate()
    table = f'"{fleet[5].schema_name}".activities_activity'
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'u'", [table]
        )
        (constraint,) = cursor.fetchone()
        cursor.execute(f'ALTER TABLE {table} RENAME CONSTRAINT "{constraint}" TO odd')
    written.add('operations = [migrations.AlterUniqueTogether("activity", set())]')
    assert errors_of(migrate()) == []
    assert ways() == ["own", "recorded"] + ["replayed"] * 6


@pytest.mark.parametrize("state", [State.SUSPENDED, State.ARCHIVED])
def test_migrate__of_a_namespace_not_served__migrates_it(
    fleet: list[Namespace], written: Written, state: State
) -> None:
    """So that it can be served again at once."""
    name = written.add(ADD_FIELD)
    Namespace.objects.filter(slug="c3").update(state=state)
    migrate()
    assert has(fleet[5], name) == (True, True)


def test_migrate__of_a_half_made_namespace__leaves_it_to_provisioning(
    fleet: list[Namespace], written: Written
) -> None:
    """Which has it in hand; named, it is refused."""
    name = written.add(ADD_FIELD)
    Namespace.objects.filter(slug="c3").update(state=State.FAILED)
    migrate()
    assert has(fleet[5], name) == (False, False)
    assert "namespace resume c3" in migrate("c3")["error"]


def test_run__of_a_fleet__is_recorded(fleet: list[Namespace], written: Written) -> None:
    """Who, which, how many; and what failed, with its message."""
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TABLE "{fleet[1].schema_name}".activities_activity ADD mood int')
    written.add(ADD_FIELD)
    migrate()
    run = MigrationRun.objects.get()
    assert (run.actor_label, len(run.namespaces), run.migrated, run.failed) == ("namespace migrate", 8, 7, 1)
    failure = run.outcomes.get(error_code="migration-failed")
    assert (failure.slug, failure.migration) == ("beta", "activities.0002_written")
    assert "already exists" in failure.error


@pytest.mark.parametrize(
    "wrong",
    [{"jobs": 0}, {"jobs": 65}, {"canary": -1}, {"waves": (0,)}, {"lock_timeout": 0}, {"retries": -1}],
)
def test_options__that_make_no_sense__are_refused(wrong: Any) -> None:
    """Before anything is done."""
    with pytest.raises(InvalidInput):
        MigrationOptions(**wrong)
