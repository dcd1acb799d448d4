"""What tokens look like, and whom an access token stands for."""

from __future__ import annotations

import hashlib
import secrets
from copy import copy
from typing import Any

from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from shared_apps.namespaces.identity import Identity, lesser, membership_of
from smartmodels.context import Actor, current_namespace

__all__ = ["ACCESS", "REFRESH", "identity_of_access_token", "new_access_token", "new_refresh_token"]

ACCESS, REFRESH = "smo_", "smr_"
"""How tokens begin: what scanners look for, and how they are told from keys."""


def new_access_token(_request: Any) -> str:
    """Return a new access token."""
    return ACCESS + secrets.token_urlsafe(32)


def new_refresh_token(_request: Any) -> str:
    """Return a new refresh token."""
    return REFRESH + secrets.token_urlsafe(32)


def identity_of_access_token(secret: str) -> Identity | None:
    """Return the application and whom it acts for, or None for what is no good token of this namespace.

    A token that nobody stands behind (client credentials) acts on the account of who made the
    application, and is worth no more than the application's role and theirs.
    """
    namespace = current_namespace()
    if namespace is None or len(secret) > 100:
        return None
    checksum = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
    tokens = get_access_token_model().objects.select_related("application", "user", "application__user")
    found = tokens.filter(
        token_checksum=checksum, expires__gt=timezone.now(), application__namespace_id=namespace.pk
    ).first()
    if found is None:
        return None
    application, user = found.application, found.user or found.application.user
    membership: Any = copy(membership_of(user)) if user is not None and user.is_active else None
    if membership is None:
        return None
    if found.user_id is None:
        membership.role = lesser(application.role, membership.role)
    actor = Actor.oauth_application(application.name, user.pk)
    principal = f"oauth:{application.pk}:{user.pk}"
    return Identity(user, "oauth", membership, actor, frozenset(found.scope.split()), principal)
