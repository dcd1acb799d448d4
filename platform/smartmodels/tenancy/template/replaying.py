"""Make what a script describes, in another schema."""

from __future__ import annotations

from smartmodels.tenancy.template.catalogue import alone

__all__ = ["replay"]

# Bodies of functions may name what is made later; it was all checked when the template was made.
_BEFORE = "SET LOCAL check_function_bodies TO off;\n"
_AFTER = ";\nSET LOCAL check_function_bodies TO DEFAULT"


def replay(script: str, schema: str, *, using: str = "default") -> None:
    """Make the tables of the script in an empty schema, in one message and one transaction."""
    with alone(schema, using=using) as cursor:
        cursor.execute(f"{_BEFORE}{script}{_AFTER}", None)
