"""End logins, tokens and keys that hold in one namespace."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model

from smartmodels.tenancy.models import get_namespace_model

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
    # Keys and applications: whatever belongs to a namespace and lets somebody in says how that ends.
    for relation in get_namespace_model()._meta.related_objects:
        end = getattr(relation.related_model, "end_logins", None)
        revoked += 0 if end is None else end(namespace, user)
    return revoked + end_sessions(namespace, user)
