"""What pg_dump says of a schema: the oracle that two schemas are the same."""

import os
import re
import subprocess

from django.db import connection

from config.postgres import find_binaries
from smartmodels.tenancy.triggers import quoted

NOISE = re.compile(r"^(--.*|\\(un)?restrict .*|SET .*|SELECT pg_catalog\.set_config.*)?\n", re.MULTILINE)


def dump_of(schema: str, url: str) -> str:
    """Everything but rows; the name of the schema is replaced, and what only says when is left out."""
    program = find_binaries(os.environ).program("pg_dump")
    done = subprocess.run(
        [str(program), "--schema-only", "--schema", quoted(schema), "--dbname", url],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    text = NOISE.sub("", done.stdout).replace(schema, "SCHEMA")
    # How it is marked says whose it is.
    return re.sub(r"^COMMENT ON SCHEMA .*\n", "", text, flags=re.MULTILINE).replace('"SCHEMA"', "SCHEMA")


def rows_of(schema: str) -> dict[str, list[str]]:
    """The rows of each table as text, without what says when, and the last value of each sequence."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relkind::text FROM pg_class WHERE relnamespace = %s::regnamespace"
            " AND relkind IN ('r', 'm', 'S') AND relispopulated",
            [quoted(schema)],
        )
        for name, kind in cursor.fetchall():
            column = {"S": "last_value"}.get(kind, "to_jsonb(t) - 'applied' - 'recorded_at'")
            cursor.execute(f"SELECT ({column})::text FROM {quoted(schema)}.{quoted(name)} t ORDER BY 1")  # noqa: S608
            found[name] = [text for (text,) in cursor.fetchall()]
    return found
