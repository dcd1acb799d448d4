"""What a schema is made of, comparable with another."""

from typing import Any

from django.db import connection

COLUMNS = """
SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'S', 'v')
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = %(name)s"
TRIGGERS = """
SELECT t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal
"""


def shape_of(schema: str) -> list[Any]:
    """Columns, constraints, indexes, triggers and recorded migrations, with the schema's name left out."""
    found: list[Any] = []
    migrations = f'SELECT app, name FROM "{schema}".django_migrations'  # noqa: S608 - a name we made
    with connection.cursor() as cursor:
        for query in (COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS, migrations):
            cursor.execute(query, {"schema": f'"{schema}"', "name": schema})
            rows = [[str(value).replace(schema, "-") for value in row] for row in cursor.fetchall()]
            found.append(sorted(rows))
    assert found[0], f"There is no schema {schema}."
    return found
