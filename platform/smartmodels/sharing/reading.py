"""What every read asks: which rows are visible here, and by which grants."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.context import current_operation, require_namespace
from smartmodels.querysets import check_instance, is_private
from smartmodels.sharing.grants import LIVING, GrantStatus, get_grant_model
from smartmodels.sharing.registering import label_of

__all__ = [
    "active_grants",
    "given_here",
    "given_like",
    "grant_for",
    "grants_of",
    "living_grants",
    "rows_at_home",
]


def given_here() -> Q:
    """Return the condition for grants to the bound namespace; in private mode for those to who acts in it."""
    here = require_namespace().pk
    if not is_private():
        return Q(target_id=here)
    opened = current_operation()
    user_id = None if opened is None else opened.principal.user_id
    return Q(home_id=here, user_id=user_id) if user_id is not None else Q(pk__in=())


def given_like(grant: Any) -> Q:
    """Return the condition for grants to whom this one is given."""
    if grant.user_id is not None:
        return Q(user_id=grant.user_id)
    return Q(target_id=grant.target_id)


def rows_at_home(model: Any) -> Any:
    """Return the living rows of the bound home, of whom grants show some: in private mode of all owners."""
    return model.all_objects.filter(deleted_at__isnull=True) if is_private() else model.objects.all()


def active_grants(model: type[models.Model]) -> models.QuerySet[Any]:
    """Return the grants by which rows of ``model`` are visible in the bound namespace, right now.

    Expiry is judged by the database's clock; deleted rows are not visible, nor those of homes that are not
    served. A home in maintenance, or behind in its migrations, is: its rows cannot be read then. In private
    mode they are those of the namespace that are shared with who acts.
    """
    grants: models.QuerySet[Any] = get_grant_model().objects.select_related("resource", "home")
    return grants.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
        given_here(),
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
