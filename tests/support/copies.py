"""Schemas like another one, exactly and in a moment: its definitions with the name replaced."""

from typing import Any

from django.db import connection

from shared_apps.namespaces.models import Namespace
from smartmodels.tenancy.migrating import note_schema_state
from smartmodels.tenancy.models import State
from smartmodels.tenancy.names import SCHEMA_MARK, new_schema_name

DEFINITIONS = """
    WITH chosen AS (
        SELECT c.oid, c.relname, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %(schema)s AND c.relkind = 'r' AND c.relname LIKE ANY (%(tables)s)
    )
    SELECT 1, relname, format('CREATE TABLE {new}.%%I (LIKE %%I.%%1$I INCLUDING DEFAULTS INCLUDING IDENTITY '
        'INCLUDING GENERATED INCLUDING CONSTRAINTS)', relname, nspname) FROM chosen
    UNION ALL
    SELECT CASE contype WHEN 'f' THEN 3 ELSE 2 END, conname,
        format('ALTER TABLE {new}.%%I ADD CONSTRAINT %%I %%s', t.relname, conname,
            replace(pg_get_constraintdef(k.oid), t.nspname, '{new}'))
        FROM pg_constraint k JOIN chosen t ON t.oid = k.conrelid WHERE contype IN ('p', 'u', 'f', 'x')
    UNION ALL
    SELECT 2, i.relname, replace(pg_get_indexdef(x.indexrelid), t.nspname, '{new}')
        FROM pg_index x JOIN chosen t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype <> 'f')
    UNION ALL
    SELECT 4, g.tgname, replace(pg_get_triggerdef(g.oid), t.nspname, '{new}')
        FROM pg_trigger g JOIN chosen t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
    ORDER BY 1, 2
"""


def script_of(schema: str, *tables: str) -> str:
    """The definitions of these tables (LIKE patterns; all of them if none is given), for ``{new}``."""
    with connection.cursor() as cursor:
        cursor.execute(DEFINITIONS, {"schema": schema, "tables": list(tables) or ["%"]})
        made = ";\n".join(text for _, _, text in cursor.fetchall())
    ahead = f"CREATE SCHEMA {{new}};\nCOMMENT ON SCHEMA {{new}} IS '{SCHEMA_MARK} {{key}}';\n"
    records = "INSERT INTO {new}.django_migrations (app, name, applied) SELECT app, name, applied"
    return f'{ahead}{made};\n{records} FROM "{schema}".django_migrations ORDER BY id'


def copied(slug: str, script: str, *, state: str = State.ACTIVE) -> Any:
    """A namespace whose schema the script makes; it has no host and no members."""
    namespace = Namespace.objects.create(
        slug=slug, name=slug.title(), schema_name=new_schema_name(slug), state=state
    )
    made = script.replace("{new}", namespace.schema_name).replace("{key}", str(namespace.pk))
    with connection.cursor() as cursor:
        cursor.execute(made)
    note_schema_state(namespace.schema_name)
    return namespace
