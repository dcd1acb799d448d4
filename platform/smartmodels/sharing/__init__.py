"""Rows that are visible in several namespaces, by consent (DESIGN S1).

A row stays in the schema of its home. A registry in the public schema names the rows that are shared at
all, and a grant each namespace that may see one. What has to hold whatever writes is kept by the database
(``sharing.sql``): the registry equals the rows, grants take only the steps that exist, and each step leaves
an event.
"""

from smartmodels.sharing.across_homes import shared_rows
from smartmodels.sharing.clock import status_of
from smartmodels.sharing.copying import Copied, copy_promised, homes_to_copy, promised
from smartmodels.sharing.deciding import accept, change_terms, decline, expire_grants, leave, revoke
from smartmodels.sharing.events import AbstractGrantEvent
from smartmodels.sharing.following import cover_rows, end_unruly, uncovered_rows, unruly_grants
from smartmodels.sharing.grants import (
    LIVING,
    AbstractGrant,
    GrantCause,
    GrantEnd,
    GrantHistory,
    GrantRole,
    GrantStatus,
    get_event_model,
    get_grant_model,
    get_policy_model,
    get_registry_model,
)
from smartmodels.sharing.homes import Home, Shown, chunks_of, granted_rows, homes_of, shown_grants, shown_of
from smartmodels.sharing.inheriting import inherit_grants, inherits_grants
from smartmodels.sharing.lookups import SENTINEL_NAMESPACE, by_namespaces, seen_in
from smartmodels.sharing.namespaces import ResourceNamespaces
from smartmodels.sharing.offering import ANSWER_DAYS, share, share_many
from smartmodels.sharing.people import member_of, share_with_users
from smartmodels.sharing.policies import AbstractSharingPolicy, Sharing, policy_of, set_policy
from smartmodels.sharing.reading import (
    active_grants,
    given_here,
    grant_for,
    grants_of,
    living_grants,
    rows_at_home,
)
from smartmodels.sharing.reconciling import Differing, differing_rows, reconcile
from smartmodels.sharing.registering import label_of
from smartmodels.sharing.registry import AbstractSharedResource
from smartmodels.sharing.resharing import reshare
from smartmodels.sharing.speaking import speaks_for
from smartmodels.sharing.terms import Terms
from smartmodels.sharing.triggers import CreateSharingFunctions, Registered
from smartmodels.sharing.visible import VISIBLE, visible_parts, visible_rows
from smartmodels.sharing.writing import (
    at_home,
    grant_to_write,
    granted_keys,
    hold_grant,
    manages_all,
    through_grant,
)

__all__ = [
    "ANSWER_DAYS",
    "LIVING",
    "SENTINEL_NAMESPACE",
    "VISIBLE",
    "AbstractGrant",
    "AbstractGrantEvent",
    "AbstractSharedResource",
    "AbstractSharingPolicy",
    "Copied",
    "CreateSharingFunctions",
    "Differing",
    "GrantCause",
    "GrantEnd",
    "GrantHistory",
    "GrantRole",
    "GrantStatus",
    "Home",
    "Registered",
    "ResourceNamespaces",
    "Sharing",
    "Shown",
    "Terms",
    "accept",
    "active_grants",
    "at_home",
    "by_namespaces",
    "change_terms",
    "chunks_of",
    "copy_promised",
    "cover_rows",
    "decline",
    "differing_rows",
    "end_unruly",
    "expire_grants",
    "get_event_model",
    "get_grant_model",
    "get_policy_model",
    "get_registry_model",
    "given_here",
    "grant_for",
    "grant_to_write",
    "granted_keys",
    "granted_rows",
    "grants_of",
    "hold_grant",
    "homes_of",
    "homes_to_copy",
    "inherit_grants",
    "inherits_grants",
    "label_of",
    "leave",
    "living_grants",
    "manages_all",
    "member_of",
    "policy_of",
    "promised",
    "reconcile",
    "reshare",
    "revoke",
    "rows_at_home",
    "seen_in",
    "set_policy",
    "share",
    "share_many",
    "share_with_users",
    "shared_rows",
    "shown_grants",
    "shown_of",
    "speaks_for",
    "status_of",
    "through_grant",
    "uncovered_rows",
    "unruly_grants",
    "visible_parts",
    "visible_rows",
]
