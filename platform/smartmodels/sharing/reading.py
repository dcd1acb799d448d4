"""What every read asks: which rows are visible here, and by which grants."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.context import require_namespace
from smartmodels.querysets import check_instance, is_private
from smartmodels.sharing.grants import LIVING, GrantStatus, get_grant_model
from smartmodels.sharing.registering import label_of

__all__ = ["active_grants", "grant_for", "grants_of", "living_grants"]


def active_grants(model: type[models.Model]) -> models.QuerySet[Any]:
    """Return the grants by which rows of ``model`` are visible in the bound namespace, right now.

    Expiry is judged by the database's clock; deleted rows are not visible, nor those of homes that are not
    served. A home in maintenance, or behind in its migrations, is: its rows cannot be read then. In private
    mode nothing is visible by grants.
    """
    grants: models.QuerySet[Any] = get_grant_model().objects.select_related("resource", "home")
    if is_private():
        return grants.none()
    return grants.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
        target_id=require_namespace().pk,
        model=label_of(model),
        status=GrantStatus.ACTIVE,
        resource_deleted=False,
    )


def grant_for(model: type[models.Model], pk: Any) -> Any | None:
    """Return the active grant by which the row ``pk`` is visible in the bound namespace, or None."""
    return active_grants(model).filter(row_id=pk).first()


def grants_of(resource: Any) -> models.QuerySet[Any]:
    """Return the living grants of a row of the bound namespace."""
    check_instance(resource)
    return living_grants(type(resource), resource.pk)


def living_grants(model: type[models.Model], pk: Any, *, home: str | None = None) -> models.QuerySet[Any]:
    """Return the living grants of a row, newest first; ``home`` is its slug where it is of another namespace.

    Those whose time is over are not among them, whether or not anybody noted that.
    """
    grants: models.QuerySet[Any] = get_grant_model().objects.select_related("target", "resource", "home")
    of = {"home_id": require_namespace().pk} if home is None else {"home__slug": home}
    over = Q(expires_at__lte=Now()) | Q(status=GrantStatus.PENDING, answer_by__lte=Now())
    found = grants.filter(model=label_of(model), row_id=pk, status__in=LIVING, **of).exclude(over)
    return found.order_by("-created_at", "-pk")
