"""What the ``namespace`` command says about namespaces."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models import Count

from smartmodels.context import public_scope
from smartmodels.tenancy.migrating import pending
from smartmodels.tenancy.models import HostState, get_namespace_model
from smartmodels.tenancy.schemas import marked_schemas

__all__ = ["describe", "size_of", "summaries"]


_SERVED = HostState.SERVED


def _moment(value: Any) -> str | None:
    return None if value is None else value.isoformat(timespec="seconds")


def _summary(namespace: Any) -> dict[str, Any]:
    # In Python, since lists have read the hosts of all namespaces at once.
    hosts = {
        domain.domain: domain.is_primary for domain in namespace.domains.all() if domain.state == _SERVED
    }
    return {
        "slug": namespace.slug,
        "name": namespace.name,
        "state": str(namespace.state),
        "host": min(hosts, key=lambda host: (not hosts[host], host), default=None),
        "created_at": _moment(namespace.created_at),
    }


def summaries() -> list[dict[str, Any]]:
    """Return every namespace in order of its slug: name, state, first host, number of members."""
    with public_scope():
        rows = get_namespace_model().objects.annotate(member_count=Count("memberships"))
        return [
            {**_summary(row), "members": row.member_count}
            for row in rows.prefetch_related("domains").order_by("slug")
        ]


def describe(namespace: Any) -> dict[str, Any]:
    """Return all that is known of one namespace, the migrations its schema lacks included."""
    with public_scope():
        members = namespace.memberships.select_related("user").order_by("joined_at")
        has_schema = namespace.schema_name in marked_schemas()
        return {
            **_summary(namespace),
            "id": str(namespace.pk),
            "hosts": sorted(domain.domain for domain in namespace.domains.all()),
            "members": [{"email": row.user.email, "role": row.role} for row in members],
            "schema": namespace.schema_name,
            "schema_exists": has_schema,
            "pending_migrations": pending(namespace) if has_schema else None,
            "step": namespace.step or None,
            "error": namespace.error or None,
            "activated_at": _moment(namespace.activated_at),
            "notice": namespace.notice or None,
            "back_at": _moment(namespace.back_at),
            "purge_after": _moment(namespace.purge_after),
        }


def size_of(namespace: Any) -> int:
    """Return how many bytes the tables and indexes of the namespace take on disk."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_catalog.pg_class c"
            " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'm')",
            [namespace.schema_name],
        )
        return int(cursor.fetchone()[0])
