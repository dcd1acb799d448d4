"""Take a reservation to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connections, transaction

from smartmodels.context import public_scope
from smartmodels.exceptions import NamespaceBusy, NamespaceFailed, SmartModelsError
from smartmodels.tenancy.locking import exclusively, holds_alone
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.provisioning.at_once import make_at_once, record_of
from smartmodels.tenancy.provisioning.finding import UNFINISHED, reload
from smartmodels.tenancy.provisioning.reserving import reserve
from smartmodels.tenancy.provisioning.steps import STEPS, Progress, silent
from smartmodels.tenancy.spares import claim_spare
from smartmodels.tenancy.template import current_template

__all__ = ["provision", "resume"]


class _Work:
    """One namespace on its way; remembers at which step it is."""

    def __init__(self, namespace: Any, progress: Progress) -> None:
        self.namespace = namespace
        self.progress = progress
        self.step = next(iter(STEPS))

    def attempt(self, way: Callable[[], Any]) -> Any:
        """Do it; a failure is kept in the namespace's row and raised as NamespaceFailed."""
        slug = self.namespace.slug
        try:
            return way()
        except (DatabaseError, SmartModelsError, OSError) as error:
            _record_failure(self.namespace, self.step, error)
            raise NamespaceFailed(
                f"Step {self.step!r} of namespace {slug!r} failed: {error} Run `namespace resume {slug}` to "
                f"go on or `namespace rollback {slug}` to remove it.",
                slug=slug,
                step=self.step,
            ) from error

    def run_on_a_spare(self) -> bool:
        """Take all the steps at once if a spare is at hand and nobody else at work; tell whether."""
        with transaction.atomic(savepoint=False):
            if not (holds_alone(self.namespace) and claim_spare(self.namespace)):
                return False
            self._take_all()
        return True

    def run(self) -> None:
        """Take all the steps: in one transaction where a script makes the tables."""
        if not self.namespace.step and current_template(progress=self.progress):
            with transaction.atomic():
                self._take_all()
            return
        for step in STEPS:
            self._take(step)
            self._save()

    def _take_all(self) -> None:
        for step in STEPS:
            self._take(step)
        self._save()

    def _take(self, step: str) -> None:
        self.step = step
        self.progress(step)
        if self.namespace.state != State.CREATING:
            self.namespace.state, self.namespace.error = State.CREATING, ""
        STEPS[step](self.namespace, self.progress)
        self.namespace.step = step

    def _save(self) -> None:
        with transaction.atomic(savepoint=False):
            self.namespace.save_base(update_fields=frozenset({"state", "step", "error", "activated_at"}))
            if self.namespace.state == State.ACTIVE and (record := record_of(self.namespace)):
                record.write()


def resume(namespace: Any, *, progress: Progress = silent) -> Any:
    """Finish provisioning; a namespace that is finished already is returned as it is.

    Raises NamespaceBusy while another process works on it, and NamespaceFailed, with what went wrong
    kept in the row, when a step fails.
    """
    work = _Work(namespace, progress)
    namespace.has_tables = False
    with public_scope():
        if namespace.state == State.RESERVED and work.attempt(work.run_on_a_spare):
            return namespace
        with exclusively(namespace):
            reload(namespace)
            if namespace.state in UNFINISHED:
                work.attempt(work.run)
    return namespace


def _record_failure(namespace: Any, step: str, error: Exception) -> None:
    connection = connections["default"]
    if not connection.in_atomic_block:
        # A connection that was lost is replaced, so that the reason can be kept.
        connection.close_if_unusable_or_obsolete()
    # The lock went with a lost connection, so somebody else may have finished the work by now.
    rows = get_namespace_model().objects.filter(pk=namespace.pk, state__in=UNFINISHED)
    rows.update(state=State.FAILED, error=f"{step}: {error}"[:2000])


def provision(
    slug: str, *, name: str, owner: Any, idempotency_key: str | None = None, progress: Progress = silent
) -> Any:
    """Make a namespace: its schema, its host and its owner's membership; return it active.

    Who repeats the call with the same key gets the namespace of the first call, finished if need be; it is
    returned half-made while another process is still at work on it. Raises what :func:`reserve` and
    :func:`resume` raise.
    """
    progress("reserve")
    wish: dict[str, Any] = {"name": name, "owner": owner, "idempotency_key": idempotency_key}
    namespace = make_at_once(slug, **wish, progress=progress) or reserve(slug, **wish)
    if namespace.state not in UNFINISHED:
        return namespace
    try:
        return resume(namespace, progress=progress)
    except NamespaceBusy:
        if idempotency_key is None:
            raise
        return namespace
