"""Enumerations, domains, composite types, and views."""

from __future__ import annotations

from typing import Any

from smartmodels.tenancy.template.catalogue.pieces import Found, Key, Piece, Stage, options_clause
from smartmodels.tenancy.triggers import literal, quoted

__all__ = ["read_types", "read_views"]

_TYPES = """
SELECT t.oid, t.typname AS name, t.typtype::text AS kind, t.typnotnull AS required,
       format_type(t.typbasetype, t.typtypmod) AS base, pg_get_expr(t.typdefaultbin, 0) AS initial,
       CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END AS "collation",
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
           AS labels,
       ARRAY(SELECT quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) ||
                    CASE WHEN a.attcollation <> p.typcollation
                         THEN ' COLLATE ' || a.attcollation::regcollation::text ELSE '' END
             FROM pg_attribute a JOIN pg_type p ON p.oid = a.atttypid
             WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
           AS attributes
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid LEFT JOIN pg_type b ON b.oid = t.typbasetype
WHERE t.typnamespace = %(schema)s AND (t.typtype IN ('e', 'd') OR t.typtype = 'c' AND c.relkind = 'c')
ORDER BY t.typname
"""
_RULES_OF_DOMAINS = """
SELECT k.oid, k.conname AS name, k.convalidated AS valid, t.typname AS domain,
       pg_get_constraintdef(k.oid) AS definition
FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid
WHERE t.typnamespace = %(schema)s ORDER BY t.typname, k.conname
"""
_VIEWS = """
SELECT c.oid, c.relname AS name, c.relkind::text AS kind, c.reloptions AS options,
       c.relispopulated AS filled, s.spcname AS tablespace, pg_get_viewdef(c.oid) AS query
FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
WHERE c.relnamespace = %(schema)s AND c.relkind IN ('v', 'm') ORDER BY c.relname
"""


def read_types(found: Found) -> None:
    """Read types and the constraints of domains."""
    rules: dict[str, list[Any]] = {}
    for rule in found.rows(_RULES_OF_DOMAINS):
        target = f"CONSTRAINT {quoted(rule.name)} ON DOMAIN {quoted(rule.domain)}"
        found.targets[Key("pg_constraint", rule.oid)] = target
        rules.setdefault(rule.domain, []).append(rule)
    for each in found.rows(_TYPES):
        key, kind = Key("pg_type", each.oid), "DOMAIN" if each.kind == "d" else "TYPE"
        found.targets[key] = f"{kind} {quoted(each.name)}"
        sql = _type(each, rules.get(each.name, []))
        found.add(Piece(kind.lower(), each.name, sql, Stage.MAKE, key=key))
    for rule in (rule for several in rules.values() for rule in several if not rule.valid):
        sql = f"ALTER DOMAIN {quoted(rule.domain)} ADD CONSTRAINT {quoted(rule.name)} {rule.definition}"
        found.add(Piece("constraint", f"{rule.domain}.{rule.name}", sql, Stage.INDEX))


def _type(each: Any, rules: list[Any]) -> str:
    name = quoted(each.name)
    if each.kind == "e":
        return f"CREATE TYPE {name} AS ENUM ({', '.join(map(literal, each.labels))})"
    if each.kind == "c":
        return f"CREATE TYPE {name} AS ({', '.join(each.attributes)})"
    parts = [f"CREATE DOMAIN {name} AS {each.base}"]
    if each.collation:
        parts.append(f"COLLATE {each.collation}")
    if each.initial is not None:
        parts.append(f"DEFAULT {each.initial}")
    # PostgreSQL 17 keeps NOT NULL of a domain as a constraint with a name.
    said = [f"CONSTRAINT {quoted(rule.name)} {rule.definition}" for rule in rules if rule.valid]
    if each.required and not any(rule.definition.startswith("NOT NULL") for rule in rules):
        said.append("NOT NULL")
    return " ".join([*parts, *said])


def read_views(found: Found) -> None:
    """Read views and materialized views."""
    for view in found.rows(_VIEWS):
        name, key = quoted(view.name), Key("pg_class", view.oid)
        kind = "MATERIALIZED VIEW" if view.kind == "m" else "VIEW"
        found.targets[key] = f"{kind} {name}"
        options = f" WITH ({', '.join(options_clause(view.options))})" if view.options else ""
        space = f" TABLESPACE {quoted(view.tablespace)}" if view.tablespace else ""
        empty = " WITH NO DATA" if view.kind == "m" else ""
        sql = f"CREATE {kind} {name}{options}{space} AS {view.query.strip().rstrip(';')}{empty}"
        found.add(Piece(kind.lower(), view.name, sql, Stage.MAKE, key=key))
        if view.kind == "m" and view.filled:
            refresh = f"REFRESH MATERIALIZED VIEW {name}"
            found.add(Piece("filling", view.name, refresh, Stage.LINK))
