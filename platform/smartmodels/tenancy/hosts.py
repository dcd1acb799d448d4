"""Which hosts are free, and which are held for those who had them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connections
from django.utils import timezone

from smartmodels.conf import settings
from smartmodels.exceptions import HostTaken
from smartmodels.tenancy.models import get_domain_model, get_held_host_model
from smartmodels.tenancy.together import Statement
from smartmodels.tenancy.triggers import quoted

__all__ = ["hold_host", "not_free", "refuse_taken", "release_host", "require_free_host"]

_NOT_FREE = """
SELECT NULL FROM {domains} WHERE domain = %s AND tenant_id IS DISTINCT FROM %s
UNION ALL
SELECT until FROM {held} WHERE host = %s AND until > %s AND namespace_id IS DISTINCT FROM %s
"""


def require_free_host(host: str, namespace_id: Any = None) -> None:
    """Raise HostTaken when another namespace than this one has the host, or it is held for another.

    Whoever is about to take a host calls this after having written its row, so that of several who want
    it at the same moment each sees what the others committed.
    """
    with connections["default"].cursor() as cursor:
        cursor.execute(*not_free(host, namespace_id))
        found = cursor.fetchall()
    refuse_taken(host, found)


def not_free(host: str, namespace_id: Any) -> Statement:
    """Return the statement that finds what :func:`refuse_taken` refuses; it follows the same rule."""
    domains, held = (quoted(model._meta.db_table) for model in (get_domain_model(), get_held_host_model()))
    values = (host, namespace_id, host, timezone.now(), namespace_id)
    return _NOT_FREE.format(domains=domains, held=held), values


def refuse_taken(host: str, found: Iterable[Any]) -> None:
    """Raise HostTaken if there is a row that says whose the host is."""
    for (until,) in found:
        if until is None:
            raise HostTaken(
                f"{host} is another namespace's, served, claimed or leading to it: choose another host.",
                host=host,
            )
        raise HostTaken(
            f"{host} was another namespace's and is held for that one until {until:%Y-%m-%d}: "
            "choose another host, or wait.",
            host=host,
            until=until.isoformat(),
        )


def hold_host(host: str, namespace_id: Any) -> None:
    """Hold a host that is taken from a namespace, for ``SMARTMODELS_HOST_QUARANTINE_DAYS``."""
    until = timezone.now() + timedelta(days=settings().HOST_QUARANTINE_DAYS)
    get_held_host_model().objects.update_or_create(
        host=host, defaults={"namespace_id": namespace_id, "until": until}
    )


def release_host(host: str) -> None:
    """Hold a host no longer, since it has a namespace again."""
    get_held_host_model().objects.filter(host=host).delete()
