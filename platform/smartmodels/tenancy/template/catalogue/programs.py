"""Functions, triggers, rules and policies."""

from __future__ import annotations

from typing import Any

from smartmodels.tenancy.template.catalogue.pieces import Found, Key, Piece, Stage
from smartmodels.tenancy.triggers import quoted

__all__ = ["read_functions", "read_policies", "read_rules", "read_triggers"]

_FUNCTIONS = """
SELECT p.oid, p.proname AS name, pg_get_function_identity_arguments(p.oid) AS arguments,
       CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS kind,
       quote_ident(n.nspname) || '.' AS prefix, quote_ident(p.proname) AS quoted_name,
       pg_get_functiondef(p.oid) AS definition
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.pronamespace = %(schema)s AND p.prokind IN ('f', 'p', 'w') ORDER BY p.proname, arguments
"""
_TRIGGERS = """
SELECT t.oid, t.tgname AS name, c.relname AS "table", pg_get_triggerdef(t.oid, true) AS definition,
       t.tgenabled::text AS enabled
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = %(schema)s AND NOT t.tgisinternal AND t.tgparentid = 0
ORDER BY c.relname, t.tgname
"""
_RULES = """
SELECT r.oid, r.rulename AS name, c.relname AS "table", pg_get_ruledef(r.oid, true) AS definition,
       r.ev_enabled::text AS enabled
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = %(schema)s AND r.rulename <> '_RETURN' ORDER BY c.relname, r.rulename
"""
_POLICIES = """
SELECT p.oid, p.polname AS name, c.relname AS "table", p.polcmd::text AS command, p.polpermissive AS allows,
       ARRAY(SELECT CASE WHEN role = 0 THEN 'PUBLIC' ELSE role::regrole::text END
             FROM unnest(p.polroles) AS role) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS sees, pg_get_expr(p.polwithcheck, p.polrelid) AS writes
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = %(schema)s ORDER BY c.relname, p.polname
"""
_ENABLED = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}


def read_functions(found: Found) -> None:
    """Read functions and procedures."""
    for each in found.rows(_FUNCTIONS):
        key = Key("pg_proc", each.oid)
        found.targets[key] = f"{each.kind} {quoted(each.name)}({each.arguments})"
        # PostgreSQL qualifies the name that is defined, and that alone, whatever the search path.
        beginning = f"CREATE OR REPLACE {each.kind} {each.prefix}{each.quoted_name}("
        if not each.definition.startswith(beginning):
            found.refuse([f"function {each.name}"])
        sql = f"CREATE {each.kind} {each.quoted_name}({each.definition.removeprefix(beginning)}".rstrip()
        shown = f"{each.name}({each.arguments})"
        found.add(Piece("function", shown, sql, Stage.MAKE, key=key))


def read_triggers(found: Found) -> None:
    """Read triggers, and whether they fire."""
    for each in found.rows(_TRIGGERS):
        table = quoted(each.table)
        found.targets[Key("pg_trigger", each.oid)] = f"TRIGGER {quoted(each.name)} ON {table}"
        found.add(Piece("trigger", f"{each.table}.{each.name}", each.definition, Stage.TRIGGER))
        _add_state(found, each, "TRIGGER", Stage.TRIGGER)


def read_rules(found: Found) -> None:
    """Read rules, except those that make views."""
    for each in found.rows(_RULES):
        found.targets[Key("pg_rewrite", each.oid)] = f"RULE {quoted(each.name)} ON {quoted(each.table)}"
        sql = " ".join(each.definition.rstrip(";").split("\n"))
        found.add(Piece("rule", f"{each.table}.{each.name}", sql))
        _add_state(found, each, "RULE", Stage.TRIGGER)


def _add_state(found: Found, each: Any, what: str, stage: Stage) -> None:
    if each.enabled in _ENABLED:
        sql = f"ALTER TABLE {quoted(each.table)} {_ENABLED[each.enabled]} {what} {quoted(each.name)}"
        found.add(Piece(f"state of {what.lower()}", f"{each.table}.{each.name}", sql, stage))


def read_policies(found: Found) -> None:
    """Read policies of row security."""
    for each in found.rows(_POLICIES):
        name, table = quoted(each.name), quoted(each.table)
        found.targets[Key("pg_policy", each.oid)] = f"POLICY {name} ON {table}"
        sql = (
            f"CREATE POLICY {name} ON {table} AS {'PERMISSIVE' if each.allows else 'RESTRICTIVE'} "
            f"FOR {_COMMANDS[each.command]} TO {', '.join(each.roles)}"
        )
        sql += "" if each.sees is None else f" USING ({each.sees})"
        sql += "" if each.writes is None else f" WITH CHECK ({each.writes})"
        found.add(Piece("policy", f"{each.table}.{each.name}", sql))
