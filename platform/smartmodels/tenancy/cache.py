"""Cache keys that carry the namespace: ``KEY_FUNCTION = "smartmodels.tenancy.cache.make_key"``."""

from __future__ import annotations

from smartmodels.context import PUBLIC_SCHEMA, current_schema

__all__ = ["make_key"]


def make_key(key: str, key_prefix: str, version: int) -> str:
    """Return the key under which the cache stores ``key`` in the bound namespace.

    The schema name stands first and holds no colon, so no key of one namespace can spell another's.
    """
    return f"{current_schema() or PUBLIC_SCHEMA}:{key_prefix}:{version}:{key}"
