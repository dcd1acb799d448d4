"""Offer, accept, decline and revoke; and what every read asks: which rows are visible here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.context import require_namespace, require_operation
from smartmodels.exceptions import ShareRefused
from smartmodels.querysets import check_instance, is_private
from smartmodels.sharing.models import LIVING, GrantRole, GrantStatus, get_grant_model
from smartmodels.tenancy.models import Role, State, get_membership_model

__all__ = ["accept", "active_grants", "decline", "grant_for", "grants_of", "revoke", "share"]


def _label(model: type[models.Model]) -> str:
    return model._meta.label_lower


def _may_decide_for(namespace: Any) -> bool:
    """Tell whether the actor speaks for ``namespace``: the operator's commands do, else its admins."""
    actor = require_operation().actor
    if actor.kind in ("command", "system", "job"):
        return True
    membership = (
        get_membership_model().objects.filter(namespace_id=namespace.pk, user_id=actor.user_id).first()
    )
    return membership is not None and Role(membership.role).manages


def _refuse_in_private() -> None:
    if is_private():
        raise ShareRefused(
            "Rows are private here (SMARTMODELS_OWNER_MODEL): each is visible to its owner alone, "
            "and to no other namespace."
        )


def share(resource: Any, target: Any, *, role: str = GrantRole.VIEW, expires_at: Any = None) -> Any:
    """Offer a row of the bound namespace to another one; return the grant.

    Active at once when the actor speaks for the target as well, else pending until one of its admins
    accepts. Offering again returns the living grant, with the new role and expiry. Raises ShareRefused.
    """
    home = require_namespace()
    check_instance(resource)
    _refuse_in_private()
    if target.pk == home.pk:
        raise ShareRefused("A row is visible in its own namespace already: name another one.")
    if role not in GrantRole.values:
        raise ShareRefused(f"{role!r} is no role: one of {', '.join(GrantRole.values)}.")
    if not resource.smart.shareable:
        kind = resource._meta.verbose_name_plural
        raise ShareRefused(
            f"{kind.capitalize()} are not shared with other namespaces (class Smart: shareable)."
        )
    if resource.deleted_at is not None:
        raise ShareRefused("A deleted row cannot be shared: restore it first.")
    status = GrantStatus.ACTIVE if _may_decide_for(target) else GrantStatus.PENDING
    model = get_grant_model()
    registry = model._meta.get_field("resource").related_model
    with transaction.atomic():
        registered, _ = registry.objects.update_or_create(
            home_id=home.pk,
            model=_label(type(resource)),
            resource_id=resource.pk,
            defaults={"label": str(resource)[:200]},
        )
        return _grant(model, registered, home, target, role=role, status=status, expires_at=expires_at)


def _grant(model: Any, registered: Any, home: Any, target: Any, **values: Any) -> Any:
    by = require_operation().actor.label
    try:
        with transaction.atomic():
            return model.objects.create(
                resource=registered, home_id=home.pk, target_id=target.pk, created_by_label=by, **values
            )
    except IntegrityError:
        grant = model.objects.select_for_update().get(
            resource=registered, target_id=target.pk, status__in=LIVING
        )
    grant.role, grant.expires_at = values["role"], values["expires_at"]
    grant.save(update_fields=["role", "expires_at"])
    return grant


def _decide(grant: Any, before: Iterable[str], after: str) -> Any:
    model = get_grant_model()
    model.objects.filter(pk=grant.pk, status__in=list(before)).update(
        status=after, decided_at=Now(), decided_by_label=require_operation().actor.label
    )
    grant.refresh_from_db()
    return grant


def accept(grant: Any) -> Any:
    """Accept a pending grant on behalf of its target; one that is no longer pending stays as it is."""
    _refuse_in_private()
    return _decide(grant, [GrantStatus.PENDING], GrantStatus.ACTIVE)


def decline(grant: Any) -> Any:
    """Refuse a pending grant on behalf of its target."""
    return _decide(grant, [GrantStatus.PENDING], GrantStatus.DECLINED)


def revoke(grant: Any) -> Any:
    """Take a grant back: from the next read on the row is no longer visible in the target."""
    return _decide(grant, LIVING, GrantStatus.REVOKED)


def active_grants(model: type[models.Model]) -> models.QuerySet[Any]:
    """Return the grants by which rows of ``model`` are visible in the bound namespace, right now.

    Expiry is judged by the database's clock; homes that are not active hide their rows. In private mode
    nothing is visible by grants.
    """
    grants: models.QuerySet[Any] = get_grant_model().objects.select_related("resource", "home")
    if is_private():
        return grants.none()
    return grants.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=Now()),
        target_id=require_namespace().pk,
        status=GrantStatus.ACTIVE,
        home__state=State.ACTIVE,
        resource__model=_label(model),
    )


def grant_for(model: type[models.Model], pk: Any) -> Any | None:
    """Return the active grant by which the row ``pk`` is visible in the bound namespace, or None."""
    return active_grants(model).filter(resource__resource_id=pk).first()


def grants_of(resource: Any) -> models.QuerySet[Any]:
    """Return the living grants of a row of the bound namespace."""
    check_instance(resource)
    grants: models.QuerySet[Any] = get_grant_model().objects.select_related("target", "resource")
    return grants.filter(
        home_id=require_namespace().pk,
        resource__model=_label(type(resource)),
        resource__resource_id=resource.pk,
        status__in=LIVING,
    )
