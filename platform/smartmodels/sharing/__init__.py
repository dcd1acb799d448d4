"""Rows that are visible in several namespaces, by consent (DESIGN S1).

A row stays in the schema of its home. A registry in the public schema names the rows that are shared at
all, and a grant each namespace that may see one.
"""

from smartmodels.sharing.inheriting import inherit_grants
from smartmodels.sharing.models import (
    AbstractGrant,
    AbstractSharedResource,
    GrantRole,
    GrantStatus,
    get_grant_model,
)
from smartmodels.sharing.namespaces import ResourceNamespaces
from smartmodels.sharing.services import (
    accept,
    active_grants,
    decline,
    grant_for,
    grants_of,
    revoke,
    share,
)

__all__ = [
    "AbstractGrant",
    "AbstractSharedResource",
    "GrantRole",
    "GrantStatus",
    "ResourceNamespaces",
    "accept",
    "active_grants",
    "decline",
    "get_grant_model",
    "grant_for",
    "grants_of",
    "inherit_grants",
    "revoke",
    "share",
]
