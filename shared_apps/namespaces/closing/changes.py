"""What happens, or happened, to an account; and the locks under which it does."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared_apps.accounts.models import Session, User
from shared_apps.namespaces.models import Handover, Namespace, Work
from smartmodels.conf import settings
from smartmodels.context import Operation
from smartmodels.ownership import hold_accounts
from smartmodels.tenancy.life.states import WITH_ROWS
from smartmodels.tenancy.models import State

__all__ = ["WITH_SCHEMA", "AccountChange", "let_nobody_in", "lock_accounts", "order_work"]

WITH_SCHEMA = WITH_ROWS
"""States of namespaces that have rows."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What closing, restoring or anonymising an account does, or did.

    ``rows`` counts by slug of the namespace, ``left`` lists those that are not finished: the worker, or
    the same call again, finishes them. ``operation_id`` is the same in all namespaces; None in a plan.
    """

    email: str
    sole_owner_of: tuple[str, ...] = ()
    memberships: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    operation_id: uuid.UUID | None = None


def lock_accounts(user: User, others: Iterable[User] = ()) -> dict[Any, User]:
    """Lock the account against whoever writes rows for it, then the rows of all; return them as stored.

    Raises AccountBusy, and User.DoesNotExist for a ``user`` that was never stored.
    """
    shared = [other.pk for other in others if other.pk != user.pk]
    hold_accounts([user.pk], shared=shared, wait=settings().CLOSING_WAIT)
    # Not FOR UPDATE: rows that merely point at an account do not wait.
    rows = User.objects.select_for_update(no_key=True).order_by("pk")
    locked: dict[Any, User] = rows.in_bulk([user.pk, *shared])
    if user.pk not in locked:
        raise User.DoesNotExist(f"There is no account {user.pk}.")
    return locked


def let_nobody_in(user: User) -> None:
    """End every session of the account and revoke its tokens."""
    Session.objects.filter(user_id=user.pk).delete()
    user.tokens.all().delete()


def order_work(user: User, work: Work, opened: Operation, **values: dict[Any, Any]) -> None:
    """Write down what is to be done for the account in each namespace, in place of what was.

    ``values`` are further columns, each a dictionary from the key of a namespace.
    """
    wanted = [
        Handover(
            user=user, namespace_id=key, work=work, operation_id=opened.id,
            **{name: given[key] for name, given in values.items() if key in given},
        )
        for key in Namespace.objects.exclude(state=State.DELETING).values_list("pk", flat=True)
    ]  # fmt: skip
    Handover.objects.bulk_create(
        wanted,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["user", "namespace"],
        update_fields=["work", "operation_id", "rows", "finished_at", *values],
    )
