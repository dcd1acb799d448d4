"""What turns a reservation into a served namespace; each step can be repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from smartmodels.exceptions import HostTaken
from smartmodels.tenancy.models import State, get_domain_model
from smartmodels.tenancy.names import primary_host
from smartmodels.tenancy.schemas import create_schema
from smartmodels.tenancy.tables import make_tables

__all__ = ["STEPS", "Progress", "silent"]

Progress = Callable[[str], None]
"""Called with the name of each step when it begins, and of each migration when it is applied."""


def silent(_: str) -> None:
    """Report to nobody."""


def _schema(namespace: Any, _: Progress) -> None:
    if not namespace.has_tables:
        create_schema(namespace.schema_name, namespace.pk)


def _tables(namespace: Any, progress: Progress) -> None:
    make_tables(namespace, progress=progress)


def _host(namespace: Any, _: Progress) -> None:
    host = primary_host(namespace.slug)
    domains, quick = get_domain_model().objects, namespace.has_tables
    try:
        with transaction.atomic(savepoint=not quick):
            domains.bulk_create([domains.model(domain=host, tenant=namespace, is_primary=True)])
    except IntegrityError as error:
        # A spare's steps are one transaction, made for the first time: the host cannot be our own.
        if quick or not domains.filter(domain=host, tenant=namespace).exists():
            raise HostTaken(f"{host} is served by another namespace.", host=host) from error


def _activate(namespace: Any, _: Progress) -> None:
    namespace.state = State.ACTIVE
    namespace.activated_at = timezone.now()


STEPS: dict[str, Callable[[Any, Progress], None]] = {
    "schema": _schema,
    "tables": _tables,
    "host": _host,
    "activate": _activate,
}
"""What turns a reservation into a served namespace, in order."""
