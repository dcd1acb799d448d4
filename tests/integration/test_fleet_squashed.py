"""Migrations of an app that are squashed: where the old ones are applied, on new schemas, and in between."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from shared_apps.namespaces.models import Domain, MigrationOutcome, Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.migrating import migrate_namespace
from smartmodels.tenancy.migrating.requiring import lacks_required, with_behind
from smartmodels.tenancy.spares import count_spares, fill_spares
from smartmodels.tenancy.template import differences_of
from smartmodels.transfer import Wish, export_namespace, import_namespace
from tests.support.copies import copied, script_of
from tests.support.fleets import ADD_FIELD, Written, columns_of, has, namespace_command, written_migrations
from tests.support.moving import exported

WEIGHT = 'migrations.AddField("activity", "weight", models.IntegerField(default=1))'
BOTH = ADD_FIELD.replace(")]", f"), {WEIGHT}]")


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Migrations of activities that the test writes."""
    with written_migrations(tmp_path) as made:
        yield made


@pytest.fixture
def old(written: Written) -> list[str]:
    """Two migrations that are to be squashed."""
    return [written.add(ADD_FIELD), written.add(f"operations = [{WEIGHT}]")]


@pytest.fixture
def fleet(committing: Any, alpha: Namespace) -> list[Namespace]:
    """Three namespaces that have the tables of one app alone."""
    script = script_of(alpha.schema_name, "activities%", "django_migrations")
    Namespace.objects.update(state="reserved")
    return [copied(f"c{number}", script) for number in range(3)]


def migrate(*words: str) -> list[str]:
    """Run the command; what went wrong."""
    result = namespace_command("migrate", *words)
    return [each["error"] for each in result["namespaces"] if each["error"]]


def records(namespace: Any) -> list[str]:
    """What the schema has recorded of the app, sorted."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT name FROM \"{namespace.schema_name}\".django_migrations WHERE app = 'activities' "  # noqa: S608
            "ORDER BY 1"
        )
        return [name for (name,) in cursor.fetchall()]


def by_django(namespace: Any) -> list[str]:
    """Let Django's own executor migrate the schema; what it records."""
    with namespace_scope(namespace), operation(actor=Actor.system("tests")):
        executor = MigrationExecutor(connection)
        executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node[0] == "activities"])
    return records(namespace)


def is_whole(namespace: Any, migrations: list[str]) -> bool:
    """Whether both columns are there, and each migration is recorded once, and noted."""
    noted = all(has(namespace, name) == (True, True) for name in migrations)
    return noted and {"mood", "weight"} <= columns_of(namespace)


def test_migrate__of_a_squash_on_new_schemas__records_what_django_does(
    fleet: list[Namespace], written: Written, old: list[str]
) -> None:
    """The squash is applied, in one schema by Django and in the next from the recorded statements."""
    new = written.squash(BOTH, replaced=old)
    assert migrate("c0", "c1") == []
    assert sorted(MigrationOutcome.objects.values_list("migration", "way")) == [
        (new, "recorded"),
        (new, "replayed"),
    ]
    assert all(is_whole(each, [*old, new]) for each in fleet[:2])
    assert records(fleet[0]) == records(fleet[1]) == by_django(fleet[2])


def test_migrate__of_a_squash_where_the_old_are_applied__only_records_it(
    fleet: list[Namespace], written: Written, old: list[str]
) -> None:
    """As Django does; nothing is applied a second time."""
    assert migrate() == []
    new = written.squash(BOTH, replaced=old)
    assert migrate("c0", "c1") == []
    assert all(is_whole(each, [*old, new]) for each in fleet[:2])
    assert records(fleet[0]) == records(fleet[1]) == by_django(fleet[2])


def test_migrate__of_a_squash_where_some_old_are_applied__applies_the_others(
    fleet: list[Namespace], written: Written
) -> None:
    """The squash waits until all that it replaces is there, and is recorded then."""
    old = [written.add(ADD_FIELD)]
    assert migrate() == []
    old.append(written.add(f"operations = [{WEIGHT}]"))
    new = written.squash(BOTH, replaced=old)
    assert migrate("c0", "c1") == []
    assert all(is_whole(each, [*old, new]) for each in fleet[:2])
    assert records(fleet[0]) == records(fleet[1]) == by_django(fleet[2])


def test_migrate__of_a_squash_with_code__records_what_it_replaces(
    fleet: list[Namespace], written: Written, old: list[str]
) -> None:
    """What cannot be replayed runs through Django, and is recorded the same way."""
    noop = "migrations.RunPython(lambda apps, editor: None)"
    new = written.squash(BOTH.replace(")]", f"), {noop}]"), replaced=old)
    assert migrate() == []
    assert all(is_whole(each, [*old, new]) for each in fleet)


def test_provisioning__by_migrations_of_a_squash__records_what_the_fleet_does(
    fleet: list[Namespace], written: Written, old: list[str]
) -> None:
    """One schema for itself, as a half-made namespace is finished."""
    new = written.squash(BOTH, replaced=old)
    assert migrate_namespace(fleet[0]) == [new]
    assert is_whole(fleet[0], [*old, new])
    assert migrate("c0") == []


def test_status__of_a_squash__says_what_is_lacking(
    fleet: list[Namespace], written: Written, old: list[str]
) -> None:
    """Nothing where the old ones are applied, one where they are not; afterwards nothing, noted rightly."""
    assert migrate("c0") == []
    written.squash(BOTH, replaced=old)
    assert [row["behind"] for row in namespace_command("status")] == [0, 1, 1]
    assert migrate() == []
    rows = namespace_command("status", "--verify")
    assert [(row["behind"], row["noted"]) for row in rows] == [(0, True)] * 3


def test_migrate__whose_squash_lost_what_it_replaced__has_nothing_to_do(
    fleet: list[Namespace], written: Written, old: list[str]
) -> None:
    """The old files are deleted, ``replaces`` with them: the old records stay and harm nobody."""
    assert migrate("c0") == []
    new = written.squash(BOTH, replaced=old)
    assert migrate("c0", "c1") == []
    written.remove(*old)
    written.rewrite(new, BOTH)
    assert migrate() == []
    assert [has(each, new) for each in fleet] == [(True, True)] * 3
    assert [{"mood", "weight"} <= columns_of(each) for each in fleet] == [True] * 3
    assert [row["behind"] for row in namespace_command("status")] == [0, 0, 0]


def test_migrate__of_a_squash_that_must_be_there__asks_for_what_it_replaces(
    fleet: list[Namespace], written: Written, old: list[str]
) -> None:
    """A squash that says ``requires_current`` is in force where what it replaces is."""
    for each in fleet:
        Domain.objects.create(tenant=each, domain=f"{each.slug}.localhost", is_primary=True)
    assert migrate("c0") == []
    written.squash("requires_current = True", BOTH, replaced=old)
    with written.known():
        rows = with_behind(Domain.objects.filter(tenant__in=fleet).order_by("domain"))
        assert [row.is_behind for row in rows] == [False, True, True]
        assert [lacks_required(each.schema_name) for each in fleet] == [False, True, True]


# Whole schemas


def test_spare__of_before_a_squash__is_replaced(
    committing: Any, alpha: Namespace, ana: Any, written: Written, old: list[str]
) -> None:
    """The template is made anew with the squash, and so are spares; a new namespace is like migrated ones."""
    fill_spares(1)
    assert migrate() == []
    new = written.squash(BOTH, replaced=old)
    with written.known():
        assert count_spares() == 0
        assert fill_spares(1).as_dict() == {"made": 1, "dropped": 1, "ready": 1}
        made = provisioning.provision("gamma", name="Gamma", owner=ana)
        assert is_whole(made, [*old, new])
        assert migrate() == []
        assert records(made) == records(alpha)
        assert (differences_of(made.schema_name), differences_of(alpha.schema_name)) == ([], [])


def test_import__of_a_file_from_before_a_squash__makes_the_namespace(
    committing: Any, alpha: Namespace, ana: Any, written: Written, old: list[str]
) -> None:
    """What it was exported with is still there, in other files; also when those files are gone."""
    assert migrate() == []
    file = exported(alpha)
    new = written.squash(BOTH, replaced=old)
    for slug in ("gamma", "delta"):
        with written.known(), operation(actor=Actor.system("tests")):
            made = import_namespace(io.BytesIO(file), Wish(ana, slug)).namespace
            assert is_whole(made, [*old, new])
            assert export_namespace(made, io.BytesIO()).rows > 0
        if slug == "gamma":
            written.remove(*old)


def test_export__of_a_namespace_older_than_a_squash__can_be_imported(
    committing: Any, alpha: Namespace, ana: Any, written: Written, old: list[str]
) -> None:
    """Its records name migrations that nothing stands for any more."""
    assert migrate() == []
    new = written.squash(BOTH, replaced=old)
    assert migrate() == []
    written.remove(*old)
    written.rewrite(new, BOTH)
    with written.known(), operation(actor=Actor.system("tests")):
        made = import_namespace(io.BytesIO(exported(alpha)), Wish(ana, "gamma")).namespace
    assert (records(made), "mood" in columns_of(made)) == (["0001_initial", "0002_written_squashed"], True)
