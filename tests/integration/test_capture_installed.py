"""The triggers of history stand where the models say, and survive what happens to schemas."""

import io
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import ProgrammingError

from config.postgres.binaries import find_binaries
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import defects, history_model, repair
from smartmodels.history.evidence import verify
from tests.support.databases import Databases
from tests.zoo.models import Animal, Enclosure, Feed, Tag


def run(sql: str, *values: Any) -> None:
    """Run a statement in the bound namespace."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values) or None)


def test_defects__fresh_database__has_none(rows: None) -> None:
    """Migrations install exactly what the models describe."""
    assert defects() == []


def test_defects__two_namespaces__take_nine_queries(rows: None, django_assert_num_queries: Any) -> None:
    """The number does not grow with the namespaces."""
    with django_assert_num_queries(9):
        defects()


BREAKAGES = {
    "missing": "DROP TRIGGER zoo_feed_capture_update ON zoo_feed",
    "disabled": "ALTER TABLE zoo_feed DISABLE TRIGGER zoo_feed_capture_update",
    "unexpected": "CREATE TRIGGER x BEFORE DELETE ON zoo_tag EXECUTE FUNCTION public.smartmodels_ledger()",
    "different": (
        "DROP TRIGGER zoo_feed_capture_key ON zoo_feed; CREATE TRIGGER zoo_feed_capture_key AFTER UPDATE "
        "OF id ON zoo_feed FOR EACH ROW WHEN (false) EXECUTE FUNCTION public.smartmodels_capture('x')"
    ),
}


@pytest.mark.parametrize("how", BREAKAGES)
def test_defects__broken_trigger__is_named_and_repaired(in_alpha: Any, how: str) -> None:
    """Each kind of breakage is seen in the namespace it is in, and mended."""
    run(BREAKAGES[how])
    found = defects()
    assert [(each.schema, each.how) for each in found] == [(in_alpha.schema_name, how)]
    assert (repair(found), defects()) == (1, [])


def test_repair__afterwards__history_is_written_again(in_alpha: Any) -> None:
    """The trigger that was put back works, and the bound namespace is still bound."""
    run(BREAKAGES["missing"])
    repair(defects())
    Feed.objects.create(name="hay")
    Feed.objects.update(name="straw")
    assert history_model(Feed).objects.count() == 2


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER FUNCTION public.smartmodels_capture() SET search_path = public",
        (
            "CREATE OR REPLACE FUNCTION public.smartmodels_types(schema_name text, tables jsonb) "
            "RETURNS jsonb RETURN tables"
        ),
        "ALTER FUNCTION public.smartmodels_append_only() RESET timezone",
        "ALTER FUNCTION public.smartmodels_append_only() SECURITY DEFINER",
    ],
)
def test_defects__function_of_another_kind__is_named_and_repaired(rows: None, sql: str) -> None:
    """Body, settings and rights of the functions are those of the package."""
    run(sql)
    found = defects()
    assert [(each.schema, each.how) for each in found] == [("public", "different")]
    repair(found)
    assert defects() == []


OVERLOAD = (
    "CREATE FUNCTION public.smartmodels_capture_sql(text, text, name, name, text[]) RETURNS text "
    "LANGUAGE sql AS $$SELECT 'SELECT 1'$$"
)


def test_defects__overload_of_a_function__is_unexpected_and_stays(rows: None) -> None:
    """PostgreSQL would call that one, since the schema of a trigger is a name: nothing would be kept."""
    run(OVERLOAD)
    name = "smartmodels_capture_sql(text, text, name, name, text[])"
    assert [(each.name, each.how, each.mendable) for each in defects()] == [(name, "unexpected", False)]
    assert (repair(defects()), len(defects())) == (0, 1)


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("smartmodels_require_open", "DROP FUNCTION public.smartmodels_require_open(uuid[])"),
        ("smartmodels_refuse_parent", "DROP FUNCTION public.smartmodels_refuse_parent(text, text, text)"),
        (
            "smartmodels_require_open",
            (
                "CREATE OR REPLACE FUNCTION public.smartmodels_require_open(owners uuid[]) RETURNS void "
                "LANGUAGE plpgsql AS 'BEGIN END'"
            ),
        ),
        (
            "smartmodels_sentinel",
            (
                "CREATE OR REPLACE FUNCTION public.smartmodels_sentinel() RETURNS uuid "
                "LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT gen_random_uuid()'"
            ),
        ),
        (
            "smartmodels_refuse_parent",
            (
                "DROP FUNCTION public.smartmodels_refuse_parent(text, text, text); "
                "CREATE FUNCTION public.smartmodels_refuse_parent(a text, b text, c text) RETURNS text "
                "LANGUAGE sql AS 'SELECT a'"
            ),
        ),
        ("smartmodels_capture_sql", "ALTER FUNCTION public.smartmodels_capture_sql STRICT"),
    ],
)
def test_defects__function_of_any_room__is_named_and_repaired(rows: None, name: str, sql: str) -> None:
    """All functions that migrations install are compared, whichever room they are of."""
    run(sql)
    found = defects()
    assert [(each.schema, each.name) for each in found] == [("public", name)]
    assert (repair(found), defects()) == (1, [])


_OWNER_UPDATE = (
    "DROP TRIGGER zoo_feed_owner_update ON zoo_feed; CREATE TRIGGER zoo_feed_owner_update "
    "AFTER UPDATE OF owner_id ON zoo_feed FOR EACH ROW WHEN ({}) EXECUTE FUNCTION {}()"
)
_HANDED = "OLD.owner_id IS DISTINCT FROM NEW.owner_id AND NEW.owner_id <> public.smartmodels_sentinel()"
_OTHER = "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "


@pytest.mark.parametrize(
    ("how", "sql"),
    [
        ("missing", "DROP TRIGGER zoo_animal_capture_insert ON zoo_animal"),
        ("missing", "DROP TRIGGER zoo_feed_owner_insert ON zoo_feed"),
        ("disabled", "ALTER TABLE zoo_animal DISABLE TRIGGER zoo_animal_parents_u0"),
        ("different", _OWNER_UPDATE.format("false", "public.smartmodels_owner_open")),
        # A function of the same name in the namespace's schema, which is looked in first.
        (
            "different",
            _OTHER.format("smartmodels_owner_open") + _OWNER_UPDATE.format(_HANDED, "smartmodels_owner_open"),
        ),
    ],
)
def test_defects__trigger_of_another_room__is_named_and_repaired(in_alpha: Any, how: str, sql: str) -> None:
    """What keeps deleted parents and closed accounts away is looked at as well."""
    run(sql)
    found = defects()
    assert [(each.schema, each.how) for each in found] == [(in_alpha.schema_name, how)]
    assert (repair(found), defects()) == (1, [])


@pytest.mark.parametrize("table", ["zoo_feed", "zoo_historicalfeed", "ledger_segment", "zoo_animal_tags"])
def test_defects__trigger_of_somebody_else__is_unexpected_and_stays(in_alpha: Any, table: str) -> None:
    """A trigger that nobody declared can undo what the others do; it may also be needed."""
    run(_OTHER.format("other"))
    run(f"CREATE TRIGGER aaa BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION other()")
    (defect,) = defects()
    assert (defect.table, defect.name, defect.how, defect.mendable) == (table, "aaa", "unexpected", False)
    assert (repair([defect]), defects()) == (0, [defect])


def test_check_command__what_somebody_else_made__stays_and_is_said(in_alpha: Any) -> None:
    """What is mended is mended; the exit code still says that something is left."""
    run(BREAKAGES["missing"])
    run(OVERLOAD)
    with pytest.raises(CommandError, match=r"Repaired 1\. Not changed.*smartmodels_capture_sql.*unexpected"):
        call_command("history", "check", "--repair", stdout=io.StringIO())
    assert [each.how for each in defects()] == ["unexpected"]


@pytest.mark.parametrize("whose", ["DATABASE {}", "ROLE CURRENT_USER IN DATABASE {}"])
def test_defects__sessions_that_replicate__are_named(rows: None, databases: Databases, whose: str) -> None:
    """Such sessions fire no triggers at all."""
    name = connection.settings_dict["NAME"]
    try:
        admin = psycopg.connect(databases.url, user="postgres", dbname=name, autocommit=True)
    except psycopg.OperationalError:
        pytest.skip("The setting is the superuser's, and postgres cannot log in here.")
    alter = f"ALTER {whose.format(connection.ops.quote_name(name))}"
    with admin:
        admin.execute(f"{alter} SET session_replication_role = replica")
        try:
            (defect,) = defects()
        finally:
            admin.execute(f"{alter} RESET session_replication_role")
    assert str(defect).startswith("session_replication_role ")
    assert (defect.how, defect.mendable) == ("set to replica", False)


def test_check_command__defect__fails_until_repaired(in_alpha: Any) -> None:
    """The exit code says it; --repair mends it."""
    run(BREAKAGES["disabled"])
    with pytest.raises(CommandError, match="history-not-installed"):
        call_command("history", "check", stdout=io.StringIO())
    out = io.StringIO()
    call_command("history", "check", "--repair", "--json", stdout=out)
    assert json.loads(out.getvalue())["repaired"] == 1
    call_command("history", "check", stdout=io.StringIO())


def test_system_check__defect__is_an_error(in_alpha: Any) -> None:
    """`manage.py check --database default` and `migrate` tell."""
    run(BREAKAGES["missing"])
    found = [each.id for each in run_checks(tags=["database"], databases=["default"])]
    assert found == ["smartmodels.W102"]


# What happens to schemas


def play(namespace: Any, actor: Any) -> None:
    """Write something of every kind."""
    with namespace_scope(namespace), operation(actor=Actor.user(actor)):
        rex = Animal.objects.create(name="Rex", enclosure=Enclosure.objects.create(name="E"), weight="1.5")
        rex.tags.set([Tag.objects.create(label="old")])
        Animal.objects.update(name="Max")
        rex.delete()


def test_schema__renamed__goes_on_keeping_history(alpha: Any, ana: Any) -> None:
    """Triggers find history by the schema of the table that changed."""
    play(alpha, ana)
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run(f'ALTER SCHEMA "{alpha.schema_name}" RENAME TO "{alpha.schema_name} ""2%"')
    alpha.schema_name += ' "2%'
    alpha.save(update_fields=["schema_name"])
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Tag.objects.create(label="new")
        assert (verify().findings, defects()) == ([], [])


@pytest.fixture
def elsewhere(committing: Any, databases: Any) -> Iterator[str]:
    """The address of another database, migrated but without alpha's schema."""
    with databases.private() as name:
        yield databases.url_of(name)


def test_schema__dumped_and_restored_elsewhere__verifies_and_goes_on(
    committing: Any, elsewhere: str, alpha: Any, ana: Any
) -> None:
    """pg_dump of one schema takes triggers along; the functions are there."""
    play(alpha, ana)
    dump = str(find_binaries(os.environ).program("pg_dump"))
    schema = alpha.schema_name
    sql = subprocess.run(
        [dump, "-n", schema, committing.url], check=True, capture_output=True
    ).stdout.decode()
    with psycopg.connect(elsewhere, autocommit=True) as other:
        other.execute(f'DROP SCHEMA "{schema}" CASCADE')
    subprocess.run(
        [str(find_binaries(os.environ).program("psql")), "-qX", "-v", "ON_ERROR_STOP=1", elsewhere],
        input=sql.encode(), check=True, capture_output=True,
    )  # fmt: skip
    connection.close()
    connection.settings_dict["NAME"] = psycopg.conninfo.conninfo_to_dict(elsewhere)["dbname"]
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Tag.objects.create(label="new")
        result = verify()
        assert (result.findings, result.versions > 5, defects()) == ([], True, [])
    connection.close()


# Rights


GRANTS = """
    GRANT USAGE ON SCHEMA "{schema}", public TO {role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{schema}" TO {role};
    REVOKE UPDATE, DELETE ON {kept} FROM {role};
    GRANT UPDATE (position, chain) ON "{schema}".ledger_segment TO {role};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{schema}" TO {role};
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
    GRANT INSERT ON public.operations_anchor TO {role};
    GRANT USAGE ON SEQUENCE public.operations_anchor_id_seq TO {role};
"""


@pytest.fixture
def role(databases: Databases) -> Iterator[str]:
    """A role that owns nothing, which the tests' role may become."""
    name, ours = f"{databases.name}_application", psycopg.conninfo.conninfo_to_dict(databases.url)
    try:
        admin = psycopg.connect(databases.url, user="postgres", autocommit=True)
    except psycopg.OperationalError:
        pytest.skip("Roles are made by the superuser postgres, who cannot log in here.")
    with admin:
        admin.execute(f"DROP ROLE IF EXISTS {name}")
        admin.execute(f"CREATE ROLE {name} ROLE {ours.get('user', 'postgres')}")
        yield name
        connection.close()
        admin.execute(f"DROP ROLE {name}")


@pytest.fixture
def application_role(role: str, in_alpha: Any) -> str:
    """Act as a role that owns nothing, and may add to history but not change it."""
    with connection.cursor() as cursor:
        schema = in_alpha.schema_name
        cursor.execute(
            "SELECT string_agg(quote_ident(schemaname) || '.' || quote_ident(tablename), ', ') "
            "FROM pg_tables WHERE schemaname = %s AND (tablename LIKE %s OR tablename LIKE %s)",
            [schema, "%\\_historical%", "ledger\\_%"],
        )
        cursor.execute(GRANTS.format(role=role, schema=schema, kept=cursor.fetchone()[0]))
        cursor.execute(f"SET LOCAL ROLE {role}")
    return role


def test_application_role__writes__are_captured(application_role: str) -> None:
    """SELECT and INSERT on history and ledger are all that writing takes."""
    rex = Animal.objects.create(name="Rex", enclosure=Enclosure.objects.create(name="E"))
    rex.tags.set([Tag.objects.create(label="old")])
    rex.delete()
    call_command("history", "anchor", "--namespace", "alpha", stdout=io.StringIO())
    assert verify().findings == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE zoo_historicalfeed SET name = 'x'",
        "DELETE FROM zoo_historicalfeed",
        "UPDATE ledger_segment SET digest = 'x'",
        "SET LOCAL smartmodels.erasure = 'erase'; DELETE FROM zoo_historicalfeed",
        "ALTER TABLE zoo_historicalfeed DISABLE TRIGGER USER",
    ],
)
def test_application_role__changing_history__is_refused_by_right(application_role: str, sql: str) -> None:
    """Not even the words that open history for erasure help who lacks the right."""
    Feed.objects.create(name="hay")
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        run(sql)
