"""Make a namespace of a spare in one message: three trips to the database instead of twelve."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from smartmodels.context import current_operation, public_scope
from smartmodels.tenancy.audit import Record
from smartmodels.tenancy.hosts import not_free, refuse_taken
from smartmodels.tenancy.models import Role, State, get_domain_model, get_membership_model
from smartmodels.tenancy.names import primary_host
from smartmodels.tenancy.provisioning.reserving import prepare
from smartmodels.tenancy.provisioning.steps import STEPS, Progress
from smartmodels.tenancy.spares import claiming
from smartmodels.tenancy.together import insert_together

__all__ = ["make_at_once", "record_of"]


def record_of(namespace: Any) -> Record | None:
    """Return what the audit says of a namespace that was made.

    None where nobody is said to act: services that make namespaces for themselves, such as tests, need no
    actor.
    """
    if current_operation() is None:
        return None
    return Record("create", namespace, None, {"schema": namespace.schema_name})


def make_at_once(
    slug: str, *, name: str, owner: Any, idempotency_key: str | None, progress: Progress
) -> Any | None:
    """Make the namespace of a spare, all in one transaction; None, with nothing kept, if that cannot be.

    The namespace that the wish made before under its key is returned as it is. Raises HostTaken and what
    :func:`prepare` raises. A failure of the database is left to the way step by step, which keeps what it
    was and says which rule was broken.
    """
    try:
        namespace = prepare(slug, name=name, owner=owner, idempotency_key=idempotency_key)
        if not namespace._state.adding:
            return namespace
        with public_scope(), transaction.atomic():
            if not _inserted_with_a_spare(namespace, owner):
                transaction.set_rollback(True)
                return None
            for step in STEPS:
                progress(step)
    except (DatabaseError, OSError):
        return None
    return namespace


def _inserted_with_a_spare(namespace: Any, owner: Any) -> bool:
    """Insert all that a served namespace consists of and claim its schema; tell whether there was one.

    Nobody sees the rows before they are committed, so there is no state on the way and no lock to take.
    """
    host = primary_host(namespace.slug)
    namespace.state, namespace.step = State.ACTIVE, list(STEPS)[-1]
    namespace.activated_at = timezone.now()
    record = record_of(namespace)
    rows = [
        namespace,
        get_membership_model()(namespace=namespace, user=owner, role=Role.OWNER),
        get_domain_model()(domain=host, tenant=namespace, is_primary=True),
        *([record.entry()] if record else ()),
    ]
    # Of the host after the rows: of several who want it at the same moment each sees what the others took.
    found, ((claimed,),) = insert_together(rows, not_free(host, namespace.pk), claiming(namespace))
    refuse_taken(host, found)
    return bool(claimed)
