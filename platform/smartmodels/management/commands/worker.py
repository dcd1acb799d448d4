"""``manage.py worker``: do what is to be done in the background."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from django.core.management import CommandError, CommandParser

from smartmodels.jobs import declared
from smartmodels.jobs.direct import go_direct
from smartmodels.jobs.logs import log_as_json
from smartmodels.jobs.periods import enqueue_periodic
from smartmodels.jobs.workers import living_workers
from smartmodels.jobs.working import WorkerOptions, work
from smartmodels.management.output import as_json
from smartmodels.management.refusals import RefusingCommand, command_errors

__all__ = ["Command"]

_HARD_EXIT_SECONDS = 5.0
_ORPHAN_SECONDS = 0.5


class Command(RefusingCommand):
    """Do jobs until Ctrl-C or SIGTERM, and queue the periodic ones; any number of workers may run.

    A worker that is told to stop finishes what it can within ``--grace`` and hands the rest back. What a
    killed one was doing, another one does again. Needs a direct connection: see ``DATABASE_DIRECT_URL``.
    """

    help = "Do background jobs and queue the periodic ones; Ctrl-C or SIGTERM stops it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--concurrency", type=int, default=4, help="jobs at a time, each a thread (default: %(default)s)"
        )
        parser.add_argument(
            "--queues", metavar="NAME", nargs="+", help="only jobs of these queues (default: all)"
        )
        parser.add_argument(
            "--once", action="store_true", help="do what waits, the periodic jobs included, then end"
        )
        parser.add_argument(
            "--grace",
            type=float,
            default=20.0,
            help="seconds that running jobs get when told to stop (default: %(default)s)",
        )
        parser.add_argument("--json", action="store_true", help="log every job, as JSON lines on stdout")
        parser.add_argument(
            "--health", action="store_true", help="only tell how many workers are alive; exit 1 if none is"
        )
        parser.add_argument(
            "--with-parent", action="store_true", help="end when the process that started this one ends"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Refuse what cannot work with one sentence, then work."""
        if options["health"]:
            self._tell_health(options)
            return
        if options["concurrency"] < 1 or options["grace"] < 0:
            raise CommandError("--concurrency is at least 1 and --grace at least 0 seconds.")
        known = {wanted.queue for wanted in declared().values()}
        queues = set(options["queues"] or known)
        if queues - known:
            raise CommandError(f"There are only these queues: {', '.join(sorted(known))}.")
        if options["json"]:
            log_as_json()
        with command_errors():
            go_direct()
            self.check_migrations()
            if options["once"]:
                enqueue_periodic(queues)
            asyncio.run(
                _work(WorkerOptions(tuple(sorted(queues)), **_chosen(options)), options["with_parent"])
            )

    def _tell_health(self, options: dict[str, Any]) -> None:
        with command_errors():
            number = living_workers()
        self.stdout.write(as_json({"workers": number}) if options["json"] else f"Workers alive: {number}")
        if not number:
            raise CommandError("No worker gave a sign of life lately: start one. [no-worker]")


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("concurrency", "once", "grace")}


async def _work(options: WorkerOptions, with_parent: bool) -> None:
    """Work until a signal; the same one once more ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
        stop.set()
        # A job that never looks up cannot be stopped; its worker's silence gives it to another one.
        loop.call_later(options.grace + _HARD_EXIT_SECONDS, os._exit, 1)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)
    watching = asyncio.create_task(_end_with_parent(stop)) if with_parent else None
    await work(options, stop)
    if watching is not None:
        watching.cancel()


async def _end_with_parent(stop: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(_ORPHAN_SECONDS)
    stop.set()
