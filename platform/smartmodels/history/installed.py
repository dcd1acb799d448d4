"""Whether the triggers and functions that keep history stand where they should, in every namespace."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connections, transaction

from smartmodels.history.capture import HistoryCapture, HistoryGuard, LedgerGuard
from smartmodels.history.ledger import anchor_model
from smartmodels.history.operations import capture_sql
from smartmodels.tenancy.placement import tenant_models
from smartmodels.tenancy.schemas import marked_schemas
from smartmodels.tenancy.triggers import Trigger, quoted

__all__ = ["Defect", "defects", "expected_triggers", "repair"]

_KEPT = (HistoryCapture, HistoryGuard, LedgerGuard)
_FUNCTIONS = ("smartmodels_capture", "smartmodels_append_only", "smartmodels_ledger")
# Namespaces are alike, so triggers are read once per kind and not once per namespace.
_TRIGGERS = """
    SELECT c.relname, t.tgname, t.tgenabled::text, min(t.oid::bigint), array_agg(n.nspname::text)
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal AND p.proname = ANY(%s)
    GROUP BY c.relname, t.tgname, t.tgenabled, t.tgfoid, t.tgtype, t.tgargs, t.tgoldtable, t.tgnewtable,
        t.tgattr, regexp_replace(t.tgqual::text, ':(location|stmt_len) -?\\d+', '', 'g')
"""
_DEFINITIONS = "SELECT oid::bigint, pg_get_triggerdef(oid) FROM pg_catalog.pg_trigger WHERE oid = ANY(%s)"
_TABLES = """
    SELECT c.relname, array_agg(n.nspname::text) FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relname = ANY(%s) GROUP BY 1
"""
_BODIES = """
    SELECT p.proname, p.prosrc, p.proconfig, p.prosecdef FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'public' AND p.proname LIKE 'smartmodels%%'
"""
_FUNCTION = re.compile(
    r"FUNCTION public\.(?P<name>\w+)\(.*?\) RETURNS.*?\n(?P<settings>(?:SET [^\n]*\n)*)AS (?P<tag>\$\w+\$)"
    r"(?P<body>.*?)(?P=tag)",
    re.DOTALL,
)
_SETTING = re.compile(r"SET (\w+) = (.+?)(?= SET |\s*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Defect:
    """What stands otherwise than it should: in which schema, on which table (or which function), and how.

    ``how`` is missing, different, disabled or unexpected.
    """

    schema: str
    table: str
    name: str
    how: str

    def __str__(self) -> str:
        where = f"on {self.schema}.{self.table}" if self.table else f"in {self.schema}"
        return f"{self.name} {where} is {self.how}."


def expected_triggers() -> dict[tuple[str, str], Trigger]:
    """Return the triggers that every namespace has, by (table, name)."""
    found = {}
    for model in tenant_models():
        for trigger in _of(model):
            found[trigger.table, trigger.name] = trigger
    return found


def _of(model: Any) -> Iterable[Trigger]:
    for constraint in model._meta.constraints:
        if isinstance(constraint, _KEPT):
            yield from constraint.triggers(model._meta.db_table)


def _public_triggers() -> dict[tuple[str, str], Trigger]:
    return {(trigger.table, trigger.name): trigger for trigger in _of(anchor_model())}


def _alike(definition: str, schema: str | None = None) -> str:
    """Return a definition without what PostgreSQL writes in its own way: quotes, brackets, spaces, case."""
    if schema is not None:
        definition = re.sub(rf' ON ("?){re.escape(schema)}\1\.', " ON ", definition, count=1)
    return re.sub(r'[\s"()]', "", definition.replace("public.", "")).lower()


# What differs


def defects(schemas: Iterable[str] | None = None, *, using: str = "default") -> list[Defect]:
    """Compare triggers and functions with those of the models and of the package.

    Looks at all marked schemas and the public one, with five queries however many there are; a table that
    is not there yet lacks no trigger. ``schemas`` confines it to some.
    """
    chosen = set(marked_schemas(using=using) if schemas is None else schemas)
    with connections[using].cursor() as cursor:
        wrong = list(_functions_that_differ(cursor))
        wrong += _compare(cursor, expected_triggers(), chosen)
        wrong += _compare(cursor, _public_triggers(), {"public"})
    return sorted(wrong, key=lambda defect: (defect.schema, defect.table, defect.name))


def _compare(cursor: Any, expected: dict[tuple[str, str], Trigger], schemas: set[str]) -> list[Defect]:
    cursor.execute(_TABLES, [sorted({table for table, _ in expected})])
    tables = {name: schemas & set(where) for name, where in cursor.fetchall()}
    cursor.execute(_TRIGGERS, [list(_FUNCTIONS)])
    kinds = [(*kind, schemas & set(where)) for *kind, where in cursor.fetchall()]
    kinds = [kind for kind in kinds if kind[-1]]
    cursor.execute(_DEFINITIONS, [[oid for *_, oid, _ in kinds]])
    definitions = dict(cursor.fetchall())
    wrong: list[Defect] = []
    good: dict[tuple[str, str], set[str]] = defaultdict(set)
    for table, name, enabled, oid, where in kinds:
        how = _how(expected.get((table, name)), enabled, definitions.get(oid, ""))
        if how is None:
            good[table, name] |= where
        else:
            wrong += [Defect(schema, table, name, how) for schema in where]
    known = {(defect.schema, defect.table, defect.name) for defect in wrong}
    for table, name in expected:
        missing = tables.get(table, set()) - good[table, name]
        wrong += [
            Defect(schema, table, name, "missing") for schema in missing if (schema, table, name) not in known
        ]
    return wrong


def _how(expected: Trigger | None, enabled: str, definition: str) -> str | None:
    if expected is None:
        return "unexpected"
    if enabled not in ("O", "A"):
        return "disabled"
    schema = _schema_of(definition, expected.table)
    same = _alike(definition, schema) == _alike(expected.create_sql())
    return None if same else "different"


def _schema_of(definition: str, table: str) -> str | None:
    found = re.search(rf' ON "?(.+?)"?\."?{re.escape(table)}"? ', definition)
    return found[1] if found else None


@cache
def _package_functions() -> dict[str, tuple[str, frozenset[str]]]:
    """Return body and settings of each function of the package."""
    return {
        found["name"]: (
            found["body"],
            frozenset(f"{name}={value}".lower() for name, value in _SETTING.findall(found["settings"])),
        )
        for found in _FUNCTION.finditer(capture_sql())
    }


def _functions_that_differ(cursor: Any) -> Iterable[Defect]:
    cursor.execute(_BODIES)
    there = {name: rest for name, *rest in cursor.fetchall()}
    for name, (body, settings) in _package_functions().items():
        if name not in there:
            yield Defect("public", "", name, "missing")
            continue
        source, config, definer = there[name]
        said = frozenset(re.sub(r"[\"']", "", each).lower() for each in config or ())
        if source != body or definer or said != frozenset(re.sub(r"[\"']", "", each) for each in settings):
            yield Defect("public", "", name, "different")


# Mending it


def repair(wrong: Iterable[Defect], *, using: str = "default") -> int:
    """Make what is wrong as it should be; return how much that was. Each schema is its own transaction."""
    by_schema: dict[str, list[Defect]] = defaultdict(list)
    for defect in wrong:
        by_schema[defect.schema].append(defect)
    for schema in sorted(by_schema, key=lambda name: (name != "public", name)):
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            _repair_schema(cursor, schema, by_schema[schema])
    return sum(map(len, by_schema.values()))


def _repair_schema(cursor: Any, schema: str, wrong: list[Defect]) -> None:
    if any(not defect.table for defect in wrong):
        cursor.execute(capture_sql())
    cursor.execute("SELECT current_setting('search_path')")
    (path,) = cursor.fetchone()
    cursor.execute("SELECT set_config('search_path', %s, true)", [f"{quoted(schema)}, public"])
    expected = _public_triggers() if schema == "public" else expected_triggers()
    for defect in wrong:
        if defect.table:
            cursor.execute(
                f"DROP TRIGGER IF EXISTS {quoted(defect.name)} ON {quoted(schema)}.{quoted(defect.table)}"
            )
            trigger = expected.get((defect.table, defect.name))
            if trigger is not None:
                cursor.execute(trigger.create_sql())
    if schema != "public":
        cursor.execute("SELECT public.smartmodels_record_layouts(%s)", [schema])
    # The transaction may be somebody else's, and go on.
    cursor.execute("SELECT set_config('search_path', %s, true)", [path])
