"""Remove half-made namespaces, and reservations that nobody finished."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.utils import timezone

from smartmodels.conf import settings
from smartmodels.context import current_operation, public_scope
from smartmodels.exceptions import InvalidInput, NamespaceBusy, NamespaceNotFound
from smartmodels.tenancy.audit import Record
from smartmodels.tenancy.locking import exclusively
from smartmodels.tenancy.migrating import forget_schema_state
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.provisioning.finding import UNFINISHED, reload, require_unfinished
from smartmodels.tenancy.schemas import drop_schema

__all__ = ["expire_reservations", "expired", "rollback"]


def rollback(namespace: Any) -> None:
    """Remove a namespace whose provisioning did not come to an end; an active one is refused."""
    with public_scope(), exclusively(namespace):
        reload(namespace)
        require_unfinished(namespace)
        if current_operation() is not None:
            Record("rollback", namespace, None, {"schema": namespace.schema_name}).write()
        _remove(namespace)


def _remove(namespace: Any) -> None:
    drop_schema(namespace.schema_name, namespace.pk)
    forget_schema_state(namespace.schema_name)
    get_namespace_model().objects.filter(pk=namespace.pk).delete()


def expired() -> list[Any]:
    """Return the namespaces that were reserved longer ago than ``SMARTMODELS_RESERVATION_MINUTES``.

    Those that failed are among them, and those whose rows were being loaded: they were never served, so
    nothing but their slug is lost. Who is still loading holds the lock that :func:`rollback` needs.
    """
    begun_before = timezone.now() - timedelta(minutes=settings().RESERVATION_MINUTES)
    with public_scope():
        rows = get_namespace_model().objects.filter(state__in=(*UNFINISHED, State.LOADING))
        return list(rows.filter(created_at__lt=begun_before).order_by("created_at"))


def expire_reservations() -> list[str]:
    """Roll back the namespaces that were reserved and never finished; return their slugs.

    One that somebody is at work on, or that came to an end meanwhile, is left alone.
    """
    gone = []
    for namespace in expired():
        with suppress(NamespaceBusy, NamespaceNotFound, InvalidInput):
            rollback(namespace)
            gone.append(namespace.slug)
    return gone
