"""Remove a deleted namespace for good, in steps that can be cut off anywhere and repeated."""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone

from smartmodels.context import public_scope
from smartmodels.exceptions import SmartModelsError
from smartmodels.tenancy.audit import audited
from smartmodels.tenancy.errors import NamespaceStateRefused
from smartmodels.tenancy.hosts import hold_host
from smartmodels.tenancy.life.dropping import Progress, drop_in_batches, silent
from smartmodels.tenancy.life.logins import end_logins
from smartmodels.tenancy.life.states import lock, require_state
from smartmodels.tenancy.models import HostState, State, get_domain_model, get_namespace_model
from smartmodels.tenancy.names import primary_host
from smartmodels.tenancy.provisioning import exclusively
from smartmodels.tenancy.setting_aside import identity_of, set_aside

__all__ = ["purge", "purge_expired", "require_purgeable"]

logger = logging.getLogger("smartmodels.tenancy")


def require_purgeable(namespace: Any, *, now: bool = False) -> None:
    """Raise NamespaceStateRefused unless the namespace is deleted and its grace period over.

    ``now`` does not wait for that. Removing that was begun may always go on.
    """
    require_state(namespace, "purge")
    if now or namespace.state == State.DELETING or namespace.purge_after <= timezone.now():
        return
    raise NamespaceStateRefused(
        f"Namespace {namespace.slug!r} can be brought back until {namespace.purge_after:%Y-%m-%d %H:%M} UTC: "
        "wait, or do not (`namespace purge --now`).",
        slug=namespace.slug,
        purge_after=namespace.purge_after.isoformat(),
    )


def purge(namespace: Any, *, now: bool = False, progress: Progress = silent) -> int:
    """Remove a deleted namespace: schemas, hosts, memberships, logins; return how many tables it had.

    From the first moment there is no way back. Hosts of its own are held, since their names may still
    lead here; the slug is free again. A run that is cut off is finished by repeating it. Raises
    NamespaceStateRefused, NamespaceBusy while another process is at it or somebody reads the tables, and
    NamespaceFailed, having dropped nothing, when the schema is not the namespace's.
    """
    with public_scope(), exclusively(namespace):
        _begin(namespace, now=now)
        # What restores replaced holds rows of the namespace as well.
        for schema in set_aside(namespace):
            drop_in_batches(schema, identity_of(namespace, schema))
        tables = drop_in_batches(namespace.schema_name, namespace.pk, progress=progress)
        with audited("purge", namespace, tables=tables, schema=namespace.schema_name):
            end_logins(namespace)
            _hold_hosts(namespace)
            get_namespace_model().objects.filter(pk=namespace.pk).delete()
    return tables


def _begin(namespace: Any, *, now: bool) -> None:
    with audited("purge", namespace, now=now) as record:
        locked = lock(namespace)
        require_purgeable(locked, now=now)
        record.begun()
        locked.state = State.DELETING
        locked.save(update_fields=["state"])
    namespace.refresh_from_db()


def _hold_hosts(namespace: Any) -> None:
    rows = get_domain_model().objects.filter(tenant=namespace).exclude(state=HostState.PENDING)
    for host in rows.values_list("domain", flat=True):
        if not host.endswith(primary_host("")):
            hold_host(host, namespace.pk)


def purge_expired(*, limit: int = 10) -> list[str]:
    """Purge the namespaces whose grace period is over, and finish what was begun; return their slugs.

    For the worker, again and again: at most ``limit`` at a time, the oldest first. One that fails is
    logged and does not stop the others.
    """
    rows = get_namespace_model().objects
    with public_scope():
        begun = list(rows.filter(state=State.DELETING).order_by("deleted_at")[:limit])
        over = rows.filter(state=State.DELETED, purge_after__lte=timezone.now())
        due = [*begun, *over.order_by("purge_after")][:limit]
    purged = []
    for namespace in due:
        try:
            purge(namespace)
        except SmartModelsError as error:
            logger.warning("Namespace %s is not purged: %s", namespace.slug, error)
        else:
            purged.append(namespace.slug)
    return purged
