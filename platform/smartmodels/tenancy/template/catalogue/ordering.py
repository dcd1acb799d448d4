"""In which order pieces can be made, and what cannot be made again at all."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from smartmodels.tenancy.template.catalogue.pieces import Found, Key, Piece, Stage

__all__ = ["in_order", "refuse_unknown"]

# What PostgreSQL keeps beside an object and names in its dependencies, and the object it is part of.
_PARTS = """
SELECT 'pg_type' AS catalogue, t.oid, 'pg_class' AS whole, t.typrelid AS whole_oid
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typnamespace = %(schema)s AND c.relkind <> 'c'
UNION ALL SELECT 'pg_class', t.typrelid, 'pg_type', t.oid
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typnamespace = %(schema)s AND c.relkind = 'c'
UNION ALL SELECT 'pg_type', t.typarray, 'pg_type', t.oid
FROM pg_type t WHERE t.typnamespace = %(schema)s AND t.typarray <> 0
UNION ALL SELECT 'pg_attrdef', d.oid, 'pg_class', d.adrelid
FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid WHERE c.relnamespace = %(schema)s
UNION ALL SELECT 'pg_rewrite', r.oid, 'pg_class', r.ev_class
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = %(schema)s AND r.rulename = '_RETURN'
UNION ALL SELECT 'pg_constraint', k.oid, 'pg_class', k.conrelid FROM pg_constraint k
WHERE k.connamespace = %(schema)s AND k.conrelid <> 0 AND k.convalidated AND k.contype <> 'f'
UNION ALL SELECT 'pg_constraint', k.oid, 'pg_type', k.contypid FROM pg_constraint k
WHERE k.connamespace = %(schema)s AND k.contypid <> 0 AND k.convalidated
"""
_DEPENDENCIES = """
SELECT classid::regclass::text AS catalogue, objid AS oid,
       refclassid::regclass::text AS on_catalogue, refobjid AS on_oid
FROM pg_depend WHERE refobjid = ANY(%(oids)s) AND deptype = 'n'
  AND refclassid::regclass::text IN ('pg_class', 'pg_type', 'pg_proc', 'pg_constraint')
"""
_UNKNOWN = """
SELECT pg_describe_object(d.classid, d.objid, 0) AS what
FROM pg_depend d
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = %(schema)s AND (
    d.classid NOT IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass,
                      'pg_statistic_ext'::regclass)
    OR c.relkind = 'f' OR p.prokind = 'a' OR t.typtype NOT IN ('e', 'd', 'c')
    OR c.reloftype <> 0
    OR NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid))
ORDER BY what
"""


def refuse_unknown(found: Found) -> None:
    """Raise TemplateUnusable if the schema holds what no reader knows."""
    found.refuse(row.what for row in found.rows(_UNKNOWN))


def in_order(found: Found) -> list[Piece]:
    """Return the pieces of stage MAKE that are whole objects, each after those it needs."""
    wholes = {piece.key: piece for piece in found.pieces if piece.stage == Stage.MAKE and piece.of is None}
    owners = {key: key for key in wholes if key is not None}
    parts = found.rows(_PARTS)
    # Twice: the array of a table's row type is part of a part.
    for _ in range(2):
        for part in parts:
            if whole := owners.get(Key(part.whole, part.whole_oid)):
                owners[Key(part.catalogue, part.oid)] = whole
    graph: dict[Key, set[Key]] = {key: set() for key in wholes if key is not None}
    for row in found.rows(_DEPENDENCIES, oids=[key.oid for key in owners]):
        one = owners.get(Key(row.catalogue, row.oid))
        other = owners.get(Key(row.on_catalogue, row.on_oid))
        if one and other and one != other:
            graph[one].add(other)
    try:
        return [wholes[key] for key in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        found.refuse(wholes[key].name for key in dict.fromkeys(error.args[1]))
        raise
