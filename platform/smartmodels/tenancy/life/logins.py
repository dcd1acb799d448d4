"""End logins, tokens and keys that hold in one namespace."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from smartmodels.tenancy.keys import get_api_key_model

__all__ = ["end_logins", "end_sessions"]


def _chosen(rows: Any, namespace: Any, user: Any) -> Any:
    found = rows.filter(namespace_id=namespace.pk)
    return found if user is None else found.filter(user_id=user.pk)


def end_sessions(namespace: Any, user: Any = None) -> int:
    """End the sessions made on the namespace's hosts, of one account or of all; return how many."""
    sessions = import_module(django_settings.SESSION_ENGINE).SessionStore.get_model_class()
    ended: int = _chosen(sessions.objects, namespace, user).delete()[0]
    return ended


def end_logins(namespace: Any, user: Any = None) -> int:
    """End sessions and revoke tokens and keys of the namespace, of one account or of all; return how many.

    The user model's ``tokens`` are those of the API; like sessions, they name their namespace by key.
    """
    tokens: Any = get_user_model()._meta.get_field("tokens").related_model
    revoked: int = _chosen(tokens.objects, namespace, user).delete()[0]
    return revoked + _revoke_keys(namespace, user) + end_sessions(namespace, user)


def _revoke_keys(namespace: Any, user: Any) -> int:
    keys = get_api_key_model().objects.filter(namespace_id=namespace.pk, revoked_at=None)
    of_user = keys if user is None else keys.filter(maker_id=user.pk)
    return int(of_user.update(revoked_at=timezone.now()))
