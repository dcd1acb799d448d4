"""How the database orders texts and which letters it takes for the same: asked once per database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["folding_collation", "is_by_code_point"]

_QUERY = """
SELECT datcollate, datctype, datlocprovider, (
    SELECT collname FROM pg_catalog.pg_collation
    WHERE collname = ANY(%s) AND collnamespace = 'pg_catalog'::regnamespace
      AND collencoding IN (-1, pg_catalog.pg_char_to_encoding(pg_catalog.getdatabaseencoding()))
    ORDER BY array_position(%s, collname::text) LIMIT 1)
FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
"""
_UNFOLDED = frozenset({"C", "POSIX"})
_BY_CODE_POINT = frozenset({"C", "POSIX", "C.UTF-8", "C.utf8"})
_FOLDING = ["pg_c_utf8", "C.utf8", "C.UTF-8", "en_US.utf8", "en_US.UTF-8", "und-x-icu"]
"""Collations that know all letters, those first that every server of their version has."""


@dataclass(frozen=True, slots=True)
class Collations:
    """``by_code_point`` is the default order; ``folding`` a collation that knows letters beyond ASCII."""

    by_code_point: bool
    folding: str | None


_known: dict[tuple[Any, Any, Any], Collations] = {}


def _collations(connection: Any) -> Collations:
    at = connection.settings_dict
    key = (at.get("HOST"), at.get("PORT"), at.get("NAME"))
    if key not in _known:
        with connection.cursor() as cursor:
            cursor.execute(_QUERY, [_FOLDING, _FOLDING])
            collate, ctype, provider, found = cursor.fetchone()
        # The provider built into PostgreSQL orders by code points in all of its locales.
        by_code_point = provider == "b" or (provider == "c" and collate in _BY_CODE_POINT)
        folding = found if provider == "c" and ctype in _UNFOLDED else None
        _known[key] = Collations(by_code_point, folding)
    return _known[key]


def is_by_code_point(connection: Any) -> bool:
    """Tell whether the database orders texts by code points of its own accord."""
    return _collations(connection).by_code_point


def folding_collation(connection: Any) -> str | None:
    """Return the collation that compares letters beyond ASCII without case; None if the default does."""
    return _collations(connection).folding
