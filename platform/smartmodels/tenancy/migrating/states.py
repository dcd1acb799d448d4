"""What migrations each schema has: one small table in public, so that a thousand are read at once.

A trigger on every django_migrations keeps it, whatever writes there; a schema without a row is read itself
and noted. Schemas that are dropped or renamed fire no trigger: say so with the functions below.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connections, transaction

from smartmodels.conf import settings
from smartmodels.tenancy.migrating.models import get_schema_state_model

__all__ = [
    "Key",
    "SchemaState",
    "disagreements",
    "forget_schema_state",
    "note_schema_state",
    "read_states",
    "rename_schema_state",
    "settled_state",
    "true_state",
]

Key = tuple[str, str]
"""App label and name of a migration."""


@dataclass(frozen=True)
class SchemaState:
    """The migrations of a schema."""

    applied: frozenset[Key]

    @classmethod
    def of(cls, names: Iterable[str]) -> SchemaState:
        """Return the state that consists of migrations written ``app.name``."""
        keys = (name.partition(".") for name in names)
        return cls(frozenset((app, name) for app, _, name in keys))

    @cached_property
    def fingerprint(self) -> str:
        """Return what is equal where the migrations are (as smartmodels_fingerprint() of the database)."""
        names = sorted(f"{app}.{name}" for app, name in self.applied)
        return hashlib.sha256("\n".join(names).encode()).hexdigest()

    def with_keys(self, keys: Iterable[Key]) -> SchemaState:
        """Return the state after these migrations."""
        return SchemaState(self.applied | set(keys))


def _table() -> str:
    return f'public."{get_schema_state_model()._meta.db_table}"'


def _query(using: str, statement: str, values: Sequence[Any]) -> list[Any]:
    with connections[using].cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _known(schemas: Collection[str], using: str) -> dict[str, SchemaState]:
    found = dict(_query(
        using,
        f"SELECT schema_name, fingerprint FROM {_table()} WHERE schema_name = ANY(%s)",  # noqa: S608
        [list(schemas)],
    ))  # fmt: skip
    # Schemas are alike: what each has is told once per kind.
    kinds = _query(
        using,
        "SELECT DISTINCT ON (fingerprint) fingerprint, applied "  # noqa: S608
        f"FROM {_table()} WHERE fingerprint = ANY(%s)",
        [list(set(found.values()))],
    )
    states = {fingerprint: SchemaState.of(applied) for fingerprint, applied in kinds}
    return {schema: states[fingerprint] for schema, fingerprint in found.items() if fingerprint in states}


def read_states(schemas: Collection[str], *, using: str = "default") -> dict[str, SchemaState]:
    """Return what each schema has; two queries, and one more for those that were never noted."""
    states = _known(schemas, using)
    if missing := [schema for schema in schemas if schema not in states]:
        for schema in missing:
            note_schema_state(schema, using=using)
        states |= _known(missing, using)
    return states


def true_state(schema: str, *, using: str = "default") -> SchemaState:
    """Return what the schema's own django_migrations says."""
    ((applied,),) = _query(using, "SELECT public.smartmodels_applied(%s)", [schema])
    return SchemaState.of(applied or ())


def settled_state(schema: str, *, using: str = "default") -> SchemaState:
    """Return what the schema's own django_migrations says, and note it, where something else was noted."""
    with transaction.atomic(using=using):
        # Whoever migrates the schema at this moment is waited for, so that what is noted is not older.
        _query(using, f"SELECT FROM {_table()} WHERE schema_name = %s FOR UPDATE", [schema])
        note_schema_state(schema, using=using)
        return true_state(schema, using=using)


def disagreements(schemas: Collection[str], *, using: str = "default") -> list[str]:
    """Return the schemas whose own django_migrations says something else than the table of states."""
    statement = (
        "SELECT s.name FROM unnest(%s::text[]) AS s(name) "  # noqa: S608
        f"LEFT JOIN {_table()} AS known ON known.schema_name = s.name "
        "WHERE known.fingerprint IS DISTINCT FROM "
        "public.smartmodels_fingerprint(public.smartmodels_applied(s.name)) ORDER BY 1"
    )
    chunks = _chunks(sorted(schemas), settings().SCHEMAS_PER_STATEMENT)
    return [name for chunk in chunks for (name,) in _query(using, statement, [list(chunk)])]


def _chunks(names: list[str], size: int) -> Iterable[list[str]]:
    return (names[at : at + size] for at in range(0, len(names), size))


def note_schema_state(schema: str, *, using: str = "default") -> None:
    """Note what the schema's django_migrations says: for schemas filled while no trigger stood there."""
    _query(using, "SELECT public.smartmodels_note_schema(%s)", [schema])


def rename_schema_state(old: str, new: str, *, using: str = "default") -> None:
    """Say that a schema is called otherwise now."""
    forget_schema_state(new, using=using)
    with connections[using].cursor() as cursor:
        cursor.execute(f"UPDATE {_table()} SET schema_name = %s WHERE schema_name = %s", [new, old])  # noqa: S608


def forget_schema_state(schema: str, *, using: str = "default") -> None:
    """Say that a schema is gone."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"DELETE FROM {_table()} WHERE schema_name = %s", [schema])  # noqa: S608
