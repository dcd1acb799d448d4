"""Comments, owners and privileges of everything that was read."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from smartmodels.tenancy.template.catalogue.pieces import Found, Key, Piece, Stage
from smartmodels.tenancy.triggers import literal

__all__ = ["read_comments", "read_owners", "read_privileges"]

_COMMENTS = """
SELECT classoid::regclass::text AS catalogue, objoid AS oid, objsubid AS part, description
FROM pg_description WHERE objoid = ANY(%(oids)s) ORDER BY classoid, objoid, objsubid
"""
_OBJECTS = """
SELECT 'pg_class' AS catalogue, oid, 0 AS part, relowner AS owner, relacl AS acl
FROM pg_class WHERE relnamespace = %(schema)s AND relkind IN ('r', 'p', 'v', 'm', 'S')
UNION ALL SELECT 'pg_class', attrelid, attnum, relowner, attacl
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = %(schema)s AND attacl IS NOT NULL AND NOT attisdropped
UNION ALL SELECT 'pg_proc', oid, 0, proowner, proacl FROM pg_proc WHERE pronamespace = %(schema)s
UNION ALL SELECT 'pg_type', t.oid, 0, typowner, typacl
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE typnamespace = %(schema)s AND (typtype IN ('e', 'd') OR typtype = 'c' AND c.relkind = 'c')
UNION ALL SELECT 'pg_namespace', oid, 0, nspowner, nspacl FROM pg_namespace WHERE oid = %(schema)s
"""
_OWNERS = f"""
SELECT o.catalogue, o.oid, o.part, o.owner::regrole::text AS owner
FROM ({_OBJECTS}) o
WHERE o.part = 0 AND o.owner <> (SELECT nspowner FROM pg_namespace WHERE oid = %(schema)s)
ORDER BY o.catalogue, o.oid
"""  # noqa: S608 - parts of our own
_PRIVILEGES = f"""
SELECT o.catalogue, o.oid, o.part, o.owner::regrole::text AS owner, a.privilege_type AS privilege,
       CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee,
       a.is_grantable AS grantable, a.grantor <> o.owner AS passed_on
FROM ({_OBJECTS}) o LEFT JOIN LATERAL aclexplode(o.acl) WITH ORDINALITY a ON true
WHERE o.acl IS NOT NULL ORDER BY o.catalogue, o.oid, o.part, a.ordinality
"""  # noqa: S608 - parts of our own


def _key(row: Any) -> Key:
    return Key(row.catalogue, row.oid, row.part)


def _shown(target: str) -> str:
    kind, _, name = target.partition(" ")
    return f"{kind.lower()} {name}"


def read_comments(found: Found) -> None:
    """Read the comments on what is known by now."""
    oids = sorted({key.oid for key in found.targets})
    for row in found.rows(_COMMENTS, oids=oids):
        if target := found.targets.get(_key(row)):
            sql = f"COMMENT ON {target} IS {literal(row.description)}"
            stage = Stage.TRIGGER if target.startswith("TRIGGER ") else Stage.SETTLE
            found.add(Piece("comment", _shown(target), sql, stage))


def read_owners(found: Found) -> None:
    """Read who owns what, where it is not whoever owns the schema."""
    for row in found.rows(_OWNERS):
        if target := found.targets.get(_key(row)):
            sql = f"ALTER {target} OWNER TO {row.owner}"
            found.add(Piece("owner", _shown(target), sql, Stage.SETTLE))


def read_privileges(found: Found) -> None:
    """Read the privileges of objects that do not have PostgreSQL's default ones."""
    schema = Key("pg_namespace", found.oid)
    for key, rows in groupby(found.rows(_PRIVILEGES), key=_key):
        target = "SCHEMA %1$I" if key == schema else found.targets.get(key)
        if target is None:
            continue
        given = list(rows)
        found.refuse(
            f"privilege on {_shown(target)} that somebody else than its owner gave"
            for row in given
            if row.passed_on
        )
        sql = "; ".join(_grants(target, given))
        if key == schema:
            sql = f"DO $do$ BEGIN EXECUTE format({literal(sql)}, current_schema()); END $do$"
        found.add(Piece("privileges", "schema" if key == schema else _shown(target), sql))


def _grants(target: str, given: list[Any]) -> list[str]:
    column = ""
    if target.startswith("COLUMN "):
        table, _, name = target.removeprefix("COLUMN ").rpartition('."')
        target, column = f"TABLE {table}", f' ("{name})'
    # GRANT knows views as tables and domains as domains.
    target = target.replace("MATERIALIZED VIEW ", "TABLE ", 1) if target.startswith("MAT") else target
    target = target.replace("VIEW ", "TABLE ", 1) if target.startswith("VIEW ") else target
    made = [] if column else [f"REVOKE ALL ON {target} FROM PUBLIC, {given[0].owner}"]
    for (grantee, grantable), rows in groupby(given, key=lambda row: (row.grantee, row.grantable)):
        privileges = ", ".join(f"{row.privilege}{column}" for row in rows if row.privilege)
        if privileges:
            option = " WITH GRANT OPTION" if grantable else ""
            made.append(f"GRANT {privileges} ON {target} TO {grantee}{option}")
    return made
