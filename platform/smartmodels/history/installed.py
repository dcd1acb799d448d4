"""Whether the triggers and functions that keep history stand where they should, in every namespace."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connections, transaction
from django.db.models import Model

from smartmodels.history.functions import install, wrong_functions
from smartmodels.tenancy.placement import is_tenant_model, tenant_models
from smartmodels.tenancy.schemas import marked_schemas
from smartmodels.tenancy.triggers import Trigger, TriggerConstraint, quoted

__all__ = ["Defect", "defects", "expected_triggers", "repair"]

_FUNCTIONS = ("smartmodels_capture", "smartmodels_append_only", "smartmodels_ledger")
# Namespaces are alike, so triggers are read once per kind and not once per namespace.
_TRIGGERS = """
    SELECT c.relname, t.tgname, t.tgenabled::text, p.proname, pn.nspname = 'public', min(t.oid::bigint),
        array_agg(n.nspname::text)
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
    WHERE NOT t.tgisinternal AND (p.proname = ANY(%s) OR c.relname = ANY(%s))
    GROUP BY c.relname, t.tgname, t.tgenabled, t.tgfoid, p.proname, pn.nspname, t.tgtype, t.tgargs,
        t.tgoldtable, t.tgnewtable, t.tgattr, t.tgconstraint <> 0, t.tgdeferrable, t.tginitdeferred,
        regexp_replace(t.tgqual::text, ':(location|stmt_len) -?\\d+', '', 'g')
"""
_DEFINITIONS = "SELECT oid::bigint, pg_get_triggerdef(oid) FROM pg_catalog.pg_trigger WHERE oid = ANY(%s)"
_TABLES = """
    SELECT c.relname, array_agg(n.nspname::text) FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relname = ANY(%s) GROUP BY 1
"""
# A session that replicates fires no triggers; of which ones it is so from the start is a setting.
_REPLICATING = """
    SELECT concat_ws(' ', 'session_replication_role', 'of role ' || r.rolname, 'in database ' || d.datname),
        substr(said, length('session_replication_role=') + 1)
    FROM pg_catalog.pg_db_role_setting s CROSS JOIN unnest(s.setconfig) said
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
    LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
    WHERE said LIKE 'session_replication_role=%' AND (d.datname IS NULL OR d.datname = current_database())
    UNION ALL
    SELECT 'session_replication_role of the server', setting FROM pg_catalog.pg_settings
    WHERE name = 'session_replication_role' AND setting <> 'origin'
        AND source IN ('configuration file', 'command line', 'environment variable')
"""


@dataclass(frozen=True, slots=True)
class Defect:
    """What stands otherwise than it should: in which schema, on which table (or which function), and how.

    ``how`` is missing, different, disabled or unexpected; of a setting, which has no schema, its value.
    What is not ``mendable`` somebody else made: repair() leaves it alone.
    """

    schema: str
    table: str
    name: str
    how: str
    mendable: bool = field(default=True, compare=False)

    def __str__(self) -> str:
        place = f" on {self.schema}.{self.table}" if self.table else f" in {self.schema}"
        return f"{self.name}{place if self.schema else ''} is {self.how}."


def expected_triggers() -> dict[tuple[str, str], Trigger]:
    """Return the triggers that every namespace has, by (table, name), of whatever room."""
    return _of(tenant_models())


def _public_models() -> list[type[Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not is_tenant_model(model)
    ]


def _of(models: Iterable[type[Model]]) -> dict[tuple[str, str], Trigger]:
    return {
        (trigger.table, trigger.name): trigger
        for model in models
        for constraint in model._meta.constraints
        if isinstance(constraint, TriggerConstraint)
        for trigger in constraint.triggers(model._meta.db_table)
    }


def _possible(models: Iterable[type[Model]]) -> list[Trigger]:
    """Return the triggers that the models may have, whatever the settings say now."""
    return [
        trigger
        for model in models
        for constraint in model._meta.constraints
        if isinstance(constraint, TriggerConstraint)
        for trigger in constraint.all_triggers(model._meta.db_table)
    ]


def _alike(definition: str, schema: str | None = None) -> str:
    """Return a definition without what PostgreSQL writes in its own way: quotes, brackets, spaces, case."""
    if schema is not None:
        definition = re.sub(rf' ON ("?){re.escape(schema)}\1\.', " ON ", definition, count=1)
    return re.sub(r'[\s"()]', "", definition.replace("public.", "")).lower()


# What differs


def defects(schemas: Iterable[str] | None = None, *, using: str = "default") -> list[Defect]:
    """Compare triggers and functions with those of the models and of the package.

    Looks at all marked schemas and the public one, with nine queries however many there are; a table that
    is not there yet lacks no trigger. ``schemas`` confines it to some.
    """
    chosen = set(marked_schemas(using=using) if schemas is None else schemas)
    with connections[using].cursor() as cursor:
        wrong = [
            Defect("public", "", name, how, mendable=how != "unexpected")
            for name, how in wrong_functions(cursor)
        ]
        wrong += _compare(cursor, tenant_models(), chosen)
        wrong += _compare(cursor, _public_models(), {"public"})
        cursor.execute(_REPLICATING)
        wrong += [
            Defect("", "", name, f"set to {value}", mendable=False) for name, value in cursor.fetchall()
        ]
    return sorted(wrong, key=lambda defect: (defect.schema, defect.table, defect.name))


def _compare(cursor: Any, models: list[type[Model]], schemas: set[str]) -> list[Defect]:
    expected, possible = _of(models), _possible(models)
    # No other triggers should stand on tracked tables, history and ledger.
    watched = {trigger.table for trigger in possible}
    cursor.execute(_TABLES, [sorted(watched)])
    tables = {name: schemas & set(where) for name, where in cursor.fetchall()}
    ours = {*_FUNCTIONS, *(trigger.function for trigger in possible)}
    cursor.execute(_TRIGGERS, [sorted(ours), sorted(watched)])
    kinds = [(*kind, schemas & set(where)) for *kind, where in cursor.fetchall()]
    kinds = [kind for kind in kinds if kind[-1]]
    cursor.execute(_DEFINITIONS, [[oid for *_, oid, _ in kinds]])
    definitions = dict(cursor.fetchall())
    wrong: list[Defect] = []
    good: dict[tuple[str, str], set[str]] = defaultdict(set)
    for table, name, enabled, function, is_public, oid, where in kinds:
        wanted = expected.get((table, name))
        how = _how(wanted, enabled, definitions.get(oid, "") if is_public else "")
        if how is None:
            good[table, name] |= where
        else:
            mendable = wanted is not None or (is_public and function in ours)
            wrong += [Defect(schema, table, name, how, mendable) for schema in where]
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


# Mending it


def repair(wrong: Iterable[Defect], *, using: str = "default") -> int:
    """Make what is wrong as it should be; return how much that was. Each schema is its own transaction.

    What is not mendable stays: who dropped it unseen might drop what somebody needs.
    """
    by_schema: dict[str, list[Defect]] = defaultdict(list)
    for defect in wrong:
        if defect.mendable:
            by_schema[defect.schema].append(defect)
    for schema in sorted(by_schema, key=lambda name: (name != "public", name)):
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            _repair_schema(cursor, schema, by_schema[schema])
    return sum(map(len, by_schema.values()))


def _repair_schema(cursor: Any, schema: str, wrong: list[Defect]) -> None:
    install(cursor, {defect.name for defect in wrong if not defect.table})
    cursor.execute("SELECT current_setting('search_path')")
    (path,) = cursor.fetchone()
    cursor.execute("SELECT set_config('search_path', %s, true)", [f"{quoted(schema)}, public"])
    expected = _of(_public_models()) if schema == "public" else expected_triggers()
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
