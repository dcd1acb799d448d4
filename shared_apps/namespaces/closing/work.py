"""The work in each namespace, one batch per transaction: a process that is killed loses nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from shared_apps.accounts.models import User
from shared_apps.namespaces.closing.changes import WITH_SCHEMA
from shared_apps.namespaces.closing.scrubbing import scrub_some
from shared_apps.namespaces.models import Handover, Work
from smartmodels.conf import settings
from smartmodels.context import namespace_scope, operation, public_scope
from smartmodels.ownership import hand_over_some, hold_accounts, take_back_some

__all__ = ["Progress", "continue_handovers", "silent", "unfinished", "what_is_left"]

logger = logging.getLogger("shared_apps.namespaces")

Progress = Callable[[str, int], None]
"""Called after every batch with the slug of the namespace and the number of rows done there so far."""

BATCH = 5000
"""Rows that one transaction changes."""


def silent(_: str, __: int) -> None:
    """Report to nobody."""


def _anonymise_some(user: User) -> int | None:
    rows = hand_over_some(user.pk, limit=BATCH)
    return scrub_some(user, limit=BATCH) if rows is None else rows


_JOBS: dict[str, Callable[[User], int | None]] = {
    Work.HAND_OVER: lambda user: hand_over_some(user.pk, limit=BATCH),
    Work.TAKE_BACK: lambda user: take_back_some(user.pk, limit=BATCH),
    Work.ANONYMISE: _anonymise_some,
}


_ACTIONS: dict[str, str] = {
    Work.HAND_OVER: "handover",
    Work.TAKE_BACK: "handover",
    Work.ANONYMISE: "anonymise",
}


def unfinished(user: User | None = None) -> Any:
    """Return what is still to be done, of one account or of all, in namespaces that have rows."""
    waiting = Handover.objects.filter(finished_at__isnull=True, namespace__state__in=WITH_SCHEMA)
    return waiting if user is None else waiting.filter(user=user)


def what_is_left(user: User) -> tuple[tuple[str, ...], Any]:
    """Return the slugs of the namespaces in which work is left, and the operation of all of it."""
    with public_scope():
        slugs = unfinished(user).order_by("namespace__slug").values_list("namespace__slug", flat=True)
        operations = Handover.objects.filter(user=user).values_list("operation_id", flat=True)
        return tuple(slugs), operations.first()


@dataclass(frozen=True, slots=True)
class _Step:
    """One batch: where, rows done there so far, rows of this batch, whether there is no more."""

    slug: str
    total: int
    rows: int
    is_last: bool


def _step(key: int, user_id: Any) -> _Step | None:
    """Do one batch; None when another process has it in hand, or nothing is left to do."""
    with public_scope(), transaction.atomic():
        # The order of locks in which accounts are closed: first the account, then its hand-overs.
        hold_accounts([], shared=[user_id], wait=settings().CLOSING_WAIT)
        waiting = unfinished().select_related("namespace", "user").filter(pk=key)
        handover: Any = waiting.select_for_update(of=("self",), skip_locked=True).first()
        if handover is None:
            return None
        with (
            namespace_scope(handover.namespace),
            operation(id=handover.operation_id, action=_ACTIONS[handover.work]),
        ):
            rows = _JOBS[handover.work](handover.user)
        handover.rows += rows or 0
        if rows is None:
            handover.finished_at = timezone.now()
        handover.save(update_fields=["rows", "finished_at"])
        return _Step(handover.namespace.slug, handover.rows, rows or 0, rows is None)


def _steps(key: int, user_id: Any, deadline: float) -> Iterator[_Step]:
    while time.monotonic() < deadline and (step := _step(key, user_id)) is not None:
        yield step
        if step.is_last:
            return


def continue_handovers(
    user: User | None = None, *, progress: Progress = silent, seconds: float | None = None
) -> dict[str, int]:
    """Go on with what is still to be done, for one account or for all; return rows done, by slug.

    No new batch begins after ``seconds``. A namespace whose database work fails is logged, left for the
    next call, and does not stop the others. What another process has in hand is left to it.
    """
    done: dict[str, int] = {}
    deadline = float("inf") if seconds is None else time.monotonic() + seconds
    with public_scope():
        waiting = unfinished(user).order_by("user_id", "namespace__slug")
        keys = list(waiting.values_list("pk", "user_id", "namespace__slug"))
    for key, user_id, slug in keys:
        try:
            for step in _steps(key, user_id, deadline):
                done[slug] = done.get(slug, 0) + step.rows
                progress(slug, step.total)
        except DatabaseError:
            logger.warning("Account %s is not finished in %s", user_id, slug, exc_info=True)
    return done
