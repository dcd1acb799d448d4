"""Applications: each of one namespace, and known in no other."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import (
    AbstractApplication,
    get_access_token_model,
    get_grant_model,
    get_refresh_token_model,
)

from smartmodels.context import current_namespace
from smartmodels.tenancy.keys import KeyRole

__all__ = ["Application"]


class BoundApplications(models.Manager["Application"]):
    """The applications of the bound namespace; none where none is bound."""

    def get_queryset(self) -> Any:
        namespace = current_namespace()
        rows = super().get_queryset()
        return rows.none() if namespace is None else rows.filter(namespace_id=namespace.pk)


class Application(AbstractApplication):
    """A program that members let act for them, or that acts by itself on the account of who made it.

    ``objects`` are those of the bound namespace, so django-oauth-toolkit finds no other: neither to
    authorise nor to issue, refresh, revoke or introspect. ``role`` and ``scopes`` bound what its tokens
    may do.
    """

    namespace = models.ForeignKey(
        settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="oauth_applications"
    )
    role = models.CharField(max_length=10, choices=KeyRole.choices, default=KeyRole.MEMBER)
    scopes = models.JSONField(default=list)

    all_objects = models.Manager["Application"]()
    objects = BoundApplications()

    class Meta(AbstractApplication.Meta):
        base_manager_name = "all_objects"

    def is_usable(self, request: Any) -> bool:
        """Tell whether the application is known here, at every step and with every token."""
        namespace = current_namespace()
        return namespace is not None and self.namespace_id == namespace.pk

    @classmethod
    def end_logins(cls, namespace: Any, user: Any = None) -> int:
        """Revoke what was issued in a namespace, to one account and its own applications or to all."""
        mine = Q(application__namespace_id=namespace.pk)
        if user is not None:
            mine &= Q(user_id=user.pk) | Q(user=None, application__user_id=user.pk)
        get_grant_model().objects.filter(mine).delete()
        refreshes = get_refresh_token_model().objects.filter(mine, revoked=None)
        refreshes.update(revoked=timezone.now(), access_token=None)
        ended: int = get_access_token_model().objects.filter(mine).delete()[0]
        return ended
