"""Migrate a fleet: skip what is current, take the rest in waves, several at a time, and report."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db import connections

from smartmodels.context import Thread, public_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy.migrating.options import MigrationOptions, MigrationReport, SchemaResult
from smartmodels.tenancy.migrating.planning import Plans
from smartmodels.tenancy.migrating.resting import collector_resting
from smartmodels.tenancy.migrating.runs import begin_run, finish_run
from smartmodels.tenancy.migrating.states import SchemaState, read_states
from smartmodels.tenancy.migrating.workers import Migrator
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.schemas import marked_schemas

__all__ = ["HALF_MADE", "migratable", "migrate_fleet"]

HALF_MADE = (State.RESERVED, State.CREATING, State.LOADING, State.FAILED, State.DELETING)
"""States in which provisioning or deleting has the schema in hand."""

_SCHEMAS_PER_CONNECTION = 200
"""PostgreSQL keeps what it knows of each table it touched, 0.4 MB per schema, as long as a session lasts."""

_MOST_IN_A_MESSAGE = 20
_MESSAGES_PER_JOB = 4
"""Jobs that end at different times leave the last one alone with at most a quarter of its share."""

Item = tuple[Any, SchemaState]
Progress = Callable[[SchemaResult, int, int], None]
"""Called with each result, how many there are by now, and of how many."""


def _silent(_: SchemaResult, __: int, ___: int) -> None:
    """Report to nobody."""


def migratable(namespaces: Sequence[Any] | None = None, *, using: str = "default") -> list[Any]:
    """Return the namespaces (None: all) that can be migrated; raise InvalidInput for a half-made one."""
    if namespaces is None:
        schemas = marked_schemas(using=using)
        with public_scope():
            rows = get_namespace_model().objects.using(using).exclude(state__in=HALF_MADE).order_by("slug")
            return [row for row in rows if row.schema_name in schemas]
    for each in namespaces:
        if each.state in HALF_MADE:
            raise InvalidInput(
                f"Namespace {each.slug!r} is {each.state}: `namespace resume {each.slug}` finishes it, "
                "and migrates it along."
            )
    return list(namespaces)


def migrate_fleet(
    namespaces: Sequence[Any] | None = None,
    *,
    options: MigrationOptions | None = None,
    progress: Progress = _silent,
    using: str = "default",
) -> MigrationReport:
    """Bring the schemas of these namespaces, or of all, up to date; return what came of each.

    What is current already is sent no statement. A namespace that fails keeps the migrations that
    succeeded and does not stop the others; running it again takes up what is left. Raises InvalidInput for
    a half-made namespace, and inside a transaction, in which nothing could be recorded step by step.
    """
    began, options = time.monotonic(), options or MigrationOptions()
    chosen = migratable(namespaces, using=using)
    states = read_states([each.schema_name for each in chosen], using=using)
    plans = Plans(options.app_label)
    with collector_resting():
        behind = [
            (each, states[each.schema_name])
            for each in chosen
            if not plans.stage(states[each.schema_name]).is_current
        ]
    late = {each.pk for each, _ in behind}
    report = MigrationReport(None, [each.slug for each in chosen if each.pk not in late], [])
    if behind:
        if connections[using].in_atomic_block:
            raise InvalidInput("A fleet cannot be migrated inside a transaction: each schema has its own.")
        report.run = begin_run([each.slug for each, _ in behind], options, using)
        try:
            _in_waves(behind, Migrator(report.run, plans, options, using), report, progress, options, using)
        finally:
            report.seconds = time.monotonic() - began
            finish_run(report, using)
    report.seconds = time.monotonic() - began
    return report


def _in_waves(  # noqa: PLR0913, PLR0917 - the parts of one run
    behind: list[Item], migrator: Migrator, report: MigrationReport, progress: Progress,
    options: MigrationOptions, using: str,
) -> None:  # fmt: skip
    rest = behind
    for size in (*filter(None, (options.canary, *options.waves)), len(behind)):
        if report.failed:
            break
        wave, rest = rest[:size], rest[size:]
        for result in _results(wave, migrator, options.jobs, using):
            report.results.append(result)
            progress(result, len(report.results), len(behind))
    for namespace, _ in rest:
        report.results.append(SchemaResult(namespace.slug, namespace.schema_name, tried=False))


def _results(items: list[Item], migrator: Migrator, jobs: int, using: str) -> Iterator[SchemaResult]:
    """Yield results as they come; with several jobs, each thread has a connection of its own."""
    jobs = min(jobs, len(items))
    waiting = _parts(items, jobs)
    if jobs <= 1:
        yield from _work_off(waiting, migrator, using)
    else:
        yield from _from_threads(waiting, migrator, jobs, using)


def _parts(items: list[Item], jobs: int) -> queue.SimpleQueue[list[Item]]:
    """Return what is migrated together, one after the other."""
    size = min(_MOST_IN_A_MESSAGE, max(1, len(items) // (_MESSAGES_PER_JOB * max(jobs, 1))))
    parts: queue.SimpleQueue[list[Item]] = queue.SimpleQueue()
    for at in range(0, len(items), size):
        parts.put(items[at : at + size])
    return parts


def _work_off(
    waiting: queue.SimpleQueue[list[Item]], migrator: Migrator, using: str
) -> Iterator[SchemaResult]:
    """Bring one part after the other up to date until none waits."""
    number = 0
    while (part := _next(waiting)) is not None:
        yield from migrator.bring_all(part)
        number += len(part)
        if number >= _SCHEMAS_PER_CONNECTION:
            number = 0
            connections[using].close()


def _next(waiting: queue.SimpleQueue[list[Item]]) -> list[Item] | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def _from_threads(
    waiting: queue.SimpleQueue[list[Item]], migrator: Migrator, jobs: int, using: str
) -> Iterator[SchemaResult]:
    done: queue.SimpleQueue[SchemaResult | None] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        """Hand on what comes of each until none waits or whoever asked has gone; say None at the end."""
        try:
            for result in _work_off(waiting, migrator, using):
                done.put(result)
                if stop.is_set():
                    break
        finally:
            connections.close_all()
            done.put(None)

    threads = [Thread(target=work, name=f"migrate-{number}") for number in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            while (result := done.get()) is not None:
                yield result
    finally:
        # Also when whoever asked was interrupted: what is begun is finished, what is not is left.
        stop.set()
        for thread in threads:
            thread.join()
