"""Find, in one statement per model, the rows that a deletion or a restoration is about.

The statements are SQL of our own, since Django's ORM cannot follow a key from a model to itself to any
depth, nor lock in one order what is found on several ways.
"""
# ruff: noqa: S608 - names of tables and columns stand in the text, values are parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connections

from smartmodels.softdelete.relations import Fate, Link, Model, links_above
from smartmodels.tenancy.triggers import quoted

__all__ = ["Seed", "find_deleted", "lock_living"]


@dataclass(frozen=True, slots=True)
class Seed:
    """Rows to begin with: those whose ``column`` has one of ``keys``, of one deletion if it is given."""

    column: str
    keys: Iterable[Any]
    deleted_in: Any = None


def _table(model: Model) -> str:
    return quoted(model._meta.db_table)


def _key(model: Model) -> str:
    return quoted(model._meta.pk.column)


def _own(model: Model, fate: Fate) -> list[Link]:
    """Return the links of a model to itself."""
    return [link for link in links_above(model) if link.parent is model and link.fate is fate]


def _of_seeds(seeds: Iterable[Seed]) -> tuple[str, list[Any]]:
    """Return the condition for the rows of the seeds."""
    conditions, params = [], []
    for seed in seeds:
        condition = f"{quoted(seed.column)} = ANY(%s)"
        params.append(list(seed.keys))
        if seed.deleted_in is not None:
            condition += " AND deleted_in = %s"
            params.append(seed.deleted_in)
        conditions.append(f"({condition})")
    return f"({' OR '.join(conditions)})", params


def _down(model: Model, seeds: Iterable[Seed], *, living: bool) -> tuple[str, list[Any]]:
    """Return a WITH that names ``down``: the keys of the seeds and of what goes with them."""
    key, state = _key(model), f"deleted_at IS {'' if living else 'NOT '}NULL"
    condition, params = _of_seeds(seeds)
    first = f"SELECT {key}, deleted_in FROM {_table(model)} WHERE {state} AND {condition}"
    own = " OR ".join(f"c.{quoted(link.field.column)} = d.key" for link in _own(model, Fate.GOES))
    if not own:
        return f"WITH down (key, deletion) AS ({first})", params
    together = "" if living else " AND c.deleted_in = d.deletion"
    below = (
        f"SELECT c.{key}, c.deleted_in FROM {_table(model)} c JOIN down d ON ({own}){together} "
        f"WHERE c.{state}"
    )
    return f"WITH RECURSIVE down (key, deletion) AS ({first} UNION {below})", params


def lock_living(
    model: Model, going: Iterable[Seed], held: Mapping[str, Iterable[Any]], using: str
) -> tuple[set[Any], set[Any]]:
    """Lock the living rows that go and those that stay with a link cut; return the keys of both.

    ``going`` says where to begin, ``held`` which keys of other models go, by the column that points at them.
    """
    key, table, seeds = _key(model), _table(model), going or [Seed(model._meta.pk.column, ())]
    if not held and not _own(model, Fate.GOES) and not _own(model, Fate.CUT):
        # Nothing leads from row to row, as in most models: a tenth less of the time that a tree takes.
        condition, params = _of_seeds(seeds)
        sql = f"SELECT {key} FROM {table} WHERE {condition} AND deleted_at IS NULL ORDER BY {key} FOR UPDATE"
        return {pk for (pk,) in _rows(sql, params, using)}, set()
    down, params = _down(model, seeds, living=True)
    cut = [f"SELECT h.{key} FROM {table} h WHERE h.{quoted(column)} = ANY(%s)" for column in held]
    params += [list(keys) for keys in held.values()]
    cut += [
        f"SELECT h.{key} FROM {table} h JOIN down d ON h.{quoted(link.field.column)} = d.key"
        for link in _own(model, Fate.CUT)
    ]
    found = " UNION ".join(["SELECT key FROM down", *cut])
    sql = (
        f"{down} SELECT t.{key}, t.{key} IN (SELECT key FROM down) FROM {table} t "
        f"WHERE t.{key} IN ({found}) AND t.deleted_at IS NULL ORDER BY t.{key} FOR UPDATE OF t"
    )
    goes: set[Any] = set()
    stays: set[Any] = set()
    for pk, is_going in _rows(sql, params, using):
        (goes if is_going else stays).add(pk)
    return goes, stays


def find_deleted(model: Model, seeds: Iterable[Seed], using: str) -> list[tuple[Any, ...]]:
    """Return key, deletion and then every linked key of the deleted rows that ``seeds`` lead to."""
    down, params = _down(model, seeds, living=False)
    columns = "".join(f", t.{quoted(link.field.column)}" for link in links_above(model))
    key = _key(model)
    sql = (
        f"{down} SELECT t.{key}, t.deleted_in{columns} FROM {_table(model)} t JOIN down d ON d.key = t.{key}"
    )
    return _rows(sql, params, using)


def _rows(sql: str, params: list[Any], using: str) -> list[tuple[Any, ...]]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
