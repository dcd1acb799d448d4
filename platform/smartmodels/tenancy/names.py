"""Slugs, hosts and schema names. Schema names are made here and nowhere else (DESIGN T4)."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache

from smartmodels.conf import settings
from smartmodels.exceptions import SlugInvalid

__all__ = [
    "HOST_PATTERN",
    "SCHEMA_MARK",
    "SLUG_PATTERN",
    "SPARE_MARK",
    "TEMPLATE_MARK",
    "fold_host",
    "is_schema_name",
    "new_schema_name",
    "primary_host",
    "public_hosts",
    "validate_slug",
]

SCHEMA_MARK = "smartmodels namespace"
"""Beginning of the COMMENT of every namespace's schema; nothing without the right mark is ever dropped."""

TEMPLATE_MARK = "smartmodels template"
"""Beginning of the COMMENT of the schema that scripts are recorded from."""

SPARE_MARK = "smartmodels spare"
"""Beginning of the COMMENT of a schema that is ready for the next namespace."""

SLUG_PATTERN = "^[A-Za-z](?:-?[A-Za-z0-9])+$"
"""What is taken for a slug, in either case, at most 31 characters long, as documents of the API say it."""

HOST_PATTERN = (
    r"^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
)
"""What is taken for a host of a namespace's own, as documents of the API say it."""

_SLUG = re.compile(r"[a-z][a-z0-9-]{1,30}\Z")
_SCHEMA = re.compile(r"t_[a-z][a-z0-9_]{1,30}_[0-9a-f]{12}\Z")


def validate_slug(given: str) -> str:
    """Return the slug in lower case; raise SlugInvalid with the rule that it breaks."""
    slug = given.strip().lower()
    if not given.isascii() or not _SLUG.match(slug):
        raise SlugInvalid(
            f"{given!r} cannot be a namespace: 2 to 31 characters, a to z, 0 to 9 and '-', "
            "beginning with a letter.",
            slug=given,
        )
    if slug.endswith("-") or "--" in slug:
        raise SlugInvalid(
            f"{given!r} cannot be a namespace: '-' stands single and not at the end.", slug=given
        )
    if slug in settings().RESERVED_SLUGS:
        raise SlugInvalid(f"{slug!r} is reserved: choose another name.", slug=given)
    return slug


def new_schema_name(slug: str) -> str:
    """Return a schema name that was never used: ``t_<slug>_<random>``, 1 in 2**50 to meet itself."""
    return f"t_{slug.replace('-', '_')}_{secrets.token_hex(6)}"


def is_schema_name(name: str) -> bool:
    """Tell whether :func:`new_schema_name` may have made it."""
    return _SCHEMA.match(name) is not None


@lru_cache(maxsize=4096)
def fold_host(host: str) -> str:
    """Return the host as it is compared: no port, lower case, without the one dot that may end it."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    name = name.partition(":")[0]
    # With two dots at its end it is no name, and is not made one.
    return name if name.endswith("..") else name.removesuffix(".")


def primary_host(slug: str) -> str:
    """Return the host a namespace is served on without further ado: ``<slug>.<base domain>``."""
    return f"{slug}.{fold_host(settings().BASE_DOMAIN)}"


def public_hosts() -> frozenset[str]:
    """Return the hosts of the public site."""
    return _folded(settings().BASE_DOMAIN, *settings().PUBLIC_HOSTS)


@lru_cache(maxsize=16)
def _folded(*hosts: str) -> frozenset[str]:
    return frozenset(map(fold_host, hosts))
