"""Schemas of a namespace that it is not served from: what a restore replaced, or fills.

Such a schema has an identity of its own, which follows from the namespace and its name: the mark it bears,
and under which its anchors are kept.
"""

from __future__ import annotations

import uuid
from typing import Any

from smartmodels.tenancy.names import SCHEMA_MARK
from smartmodels.tenancy.schemas import marked_schemas

__all__ = ["identity_of", "set_aside"]


def identity_of(namespace: Any, schema: str) -> uuid.UUID:
    """Return under what key a schema of the namespace is known that is not the one it is served from."""
    return uuid.uuid5(namespace.pk, schema)


def set_aside(namespace: Any) -> list[str]:
    """Return the schemas of the namespace that it is not served from: replaced, or never finished."""
    return sorted(
        schema
        for schema, mark in marked_schemas().items()
        if schema != namespace.schema_name and mark == f"{SCHEMA_MARK} {identity_of(namespace, schema)}"
    )
