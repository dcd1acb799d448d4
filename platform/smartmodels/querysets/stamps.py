"""Rows remember the namespace they come from and refuse to be used in another (DESIGN T3)."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.models.expressions import BaseExpression

from smartmodels.context import current_schema
from smartmodels.exceptions import NamespaceMismatch

__all__ = ["check_instance", "check_values", "refuse_other_namespace", "stamp_instance", "stamp_of"]


def stamp_of(instance: models.Model) -> str | None:
    """Return the schema that ``instance`` was made or read in, or None if it was made unbound."""
    stamp: str | None = getattr(instance._state, "schema", None)
    return stamp


def stamp_instance(instance: models.Model, schema: str | None) -> None:
    """Record the schema that ``instance`` belongs to."""
    instance._state.schema = schema  # type: ignore[attr-defined]


def refuse_other_namespace(what: str) -> NoReturn:
    """Raise NamespaceMismatch for ``what``, such as "This study"."""
    raise NamespaceMismatch(
        f"{what} belongs to another namespace than the one bound here: "
        "fetch it again inside the namespace_scope in which it is used."
    )


def check_instance(instance: models.Model) -> None:
    """Raise NamespaceMismatch when ``instance`` comes from another namespace than the bound one."""
    stamp = stamp_of(instance)
    if stamp is not None and stamp != current_schema():
        refuse_other_namespace(f"This {instance._meta.verbose_name}")


def check_values(values: Any) -> None:
    """Raise NamespaceMismatch for rows of another namespace among values, whatever holds them."""
    for value in values:
        if isinstance(value, models.Model):
            check_instance(value)
        elif isinstance(value, models.Q):
            check_values(value.children)
        elif isinstance(value, (list, tuple, set, frozenset)):
            check_values(value)
        elif isinstance(value, BaseExpression):
            check_values(value.get_source_expressions())
