"""A schema made from the template's script is the one that the migrations make."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from shared_apps.namespaces.models import Namespace, SchemaTemplate
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.migrating import migrate_namespace
from smartmodels.tenancy.names import TEMPLATE_MARK
from smartmodels.tenancy.schemas import create_schema, marked_schemas
from smartmodels.tenancy.template import code_state, current_template, replay
from smartmodels.tenancy.template.catalogue import alone, definitions, record
from smartmodels.tenancy.template.errors import TemplateUnusable
from smartmodels.tenancy.template.proving import differing, proved_recording
from tests.support.dumps import dump_of, rows_of

HOSTILE = (Path(__file__).parents[1] / "support" / "hostile.sql").read_text()
UNKNOWN = {
    "table heir": "CREATE TABLE forebear (); CREATE TABLE heir () INHERITS (forebear)",
    "function total": "CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int)",
    "type span": "CREATE TYPE span AS RANGE (SUBTYPE = int)",
    "collation own": 'CREATE COLLATION own FROM "C"',
    "names the schema": "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ''odd_source'''",
    "rows of table hidden": (
        "CREATE TABLE hidden (a int); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;"
        " ALTER TABLE hidden FORCE ROW LEVEL SECURITY"
    ),
    "row that names the schema": "CREATE TABLE t (a text); INSERT INTO t VALUES ('odd_source.x')",
}


@pytest.fixture
def migrated(committing: Any, ana: Any) -> Namespace:
    """A namespace whose tables Django's migrations made."""
    namespace = provisioning.reserve("migrated", name="Migrated", owner=ana)
    create_schema(namespace.schema_name, namespace.pk)
    migrate_namespace(namespace)
    return namespace


def make(sql: str, schema: str = "odd_source") -> str:
    """A schema in which this was executed."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {schema}")
    with alone(schema) as cursor:
        cursor.execute(sql)
    return schema


def _refuse_ddl(execute: Any, sql: str, *details: Any) -> Any:
    assert not sql.startswith(("CREATE", "ALTER", "DROP"))
    return execute(sql, *details)


# What it makes


def test_script__replayed__makes_what_the_migrations_make(
    committing: Any, migrated: Namespace, alpha: Namespace
) -> None:
    """PostgreSQL's own dump of both says the same, and so does our reading of the catalogue."""
    assert SchemaTemplate.objects.get().error == ""
    assert differing(definitions(migrated.schema_name), definitions(alpha.schema_name)) == []
    assert dump_of(alpha.schema_name, committing.url) == dump_of(migrated.schema_name, committing.url)


def test_script__replayed__leaves_the_rows_that_the_migrations_leave(
    committing: Any, migrated: Namespace, ana: Any
) -> None:
    """Rows of migrations, and where the sequences stand; not when the migrations were applied."""
    made = provisioning.provision("gamma", name="Gamma", owner=ana)
    assert rows_of(made.schema_name) == rows_of(migrated.schema_name)


def test_script__of_a_hostile_schema__makes_it_again(committing: Any) -> None:
    """Every kind of object, under names that have to be quoted, into a schema with such a name."""
    source, target = make(HOSTILE), 'A "quoted" one'
    with connection.cursor() as cursor:
        cursor.execute('CREATE SCHEMA "A ""quoted"" one"')
    replay(proved_recording(source).script, target)
    with connection.cursor() as cursor:
        cursor.execute('ALTER SCHEMA "A ""quoted"" one" RENAME TO odd_target')
    assert dump_of("odd_target", committing.url) == dump_of(source, committing.url)
    assert rows_of("odd_target") == rows_of(source)


@pytest.mark.parametrize("named", UNKNOWN)
def test_recording__of_what_no_script_can_make__names_it(db: None, named: str) -> None:
    """Rather than make something else."""
    with pytest.raises(TemplateUnusable, match=named):
        record(make(UNKNOWN[named]))


# When it is recorded


def test_template__recorded_already__costs_one_query(db: None, django_assert_num_queries: Any) -> None:
    """Nothing is migrated or read of the catalogue."""
    code_state()
    with django_assert_num_queries(1):
        assert current_template() is not None


def test_template__when_the_code_has_migrations_more__is_recorded_anew(committing: Any) -> None:
    """The schema goes on from where it was, and what was recorded for the old code stays."""
    SchemaTemplate.objects.update(fingerprint="older")
    before = marked_schemas(mark=TEMPLATE_MARK)
    assert current_template() is not None
    assert marked_schemas(mark=TEMPLATE_MARK) == before
    assert SchemaTemplate.objects.count() == 2


def test_template__when_a_migration_was_changed__is_made_from_nothing(committing: Any) -> None:
    """What an older text of a migration made is not what the code makes now."""
    SchemaTemplate.objects.update(fingerprint="older", migrations={"research.0001_initial": "other"})
    before = marked_schemas(mark=TEMPLATE_MARK)
    assert current_template() is not None
    assert marked_schemas(mark=TEMPLATE_MARK).keys().isdisjoint(before)


def test_template__that_cannot_be_recorded__says_why(committing: Any) -> None:
    """The reason is kept, and nobody tries again until told to."""
    template = SchemaTemplate.objects.get()
    with alone(template.schema_name) as cursor:
        cursor.execute("CREATE TYPE span AS RANGE (SUBTYPE = int)")
    SchemaTemplate.objects.update(fingerprint="older")
    assert current_template() is None
    kept = SchemaTemplate.objects.get(fingerprint=code_state().fingerprint)
    assert (kept.script, "type span" in kept.error) == ("", True)
    with connection.execute_wrapper(_refuse_ddl):
        assert current_template() is None


def test_namespace__whose_script_fails__is_made_by_migrations(committing: Any, ana: Any) -> None:
    """Slower, but made."""
    SchemaTemplate.objects.update(script="CREATE TABLE half (); SELECT no_such_function()")
    made = provisioning.provision("gamma", name="Gamma", owner=ana)
    assert (made.state, "table half" in definitions(made.schema_name)) == ("active", False)


def test_command__refresh__records_anew_and_says_when(committing: Any, capsys: Any) -> None:
    """The template that is made from nothing is told with its own time, and the old schema goes."""
    before = SchemaTemplate.objects.get(fingerprint=code_state().fingerprint).made_at

    call_command("namespace", "template", "--refresh", "--json", verbosity=0)

    said = json.loads(capsys.readouterr().out)
    made_at = SchemaTemplate.objects.get(fingerprint=said["fingerprint"]).made_at
    assert (said["recorded"], said["made_at"]) == (True, made_at.isoformat(timespec="seconds"))
    assert made_at > before
    assert len(marked_schemas(mark=TEMPLATE_MARK)) == 1
