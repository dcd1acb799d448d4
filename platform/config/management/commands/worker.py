"""``manage.py worker``: bring to an end what was cut off."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from shared_apps.namespaces.closing import anonymise_due, continue_handovers
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NamespaceBusy, SmartModelsError
from smartmodels.history.evidence import anchor
from smartmodels.management.refusals import command_errors
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.provisioning import resume, unfinished

__all__ = ["Command"]

T = TypeVar("T")
DatabaseUnusable = (DatabaseError, InterfaceError)


class Command(BaseCommand):
    """Look every few seconds for provisioning and hand-overs whose process died, and finish them.

    It also anonymises accounts that were closed longer ago than the grace period, and chains what was
    written to history.

    Any number of workers may run: whoever takes a namespace's lock works on it. A namespace whose
    provisioning failed, rather than was cut off, waits for ``namespace resume`` or ``rollback``.
    """

    help = "Finish provisioning and account hand-overs that were cut off; Ctrl-C or SIGTERM stops it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--every", type=float, default=5.0, help="seconds between looks (default: %(default)s)"
        )
        parser.add_argument(
            "--grace",
            type=float,
            default=60.0,
            help="seconds after which unfinished provisioning counts as cut off (default: %(default)s)",
        )
        parser.add_argument(
            "--anchor-every",
            type=float,
            default=60.0,
            help="seconds between links in the chains of history (default: %(default)s)",
        )
        parser.add_argument("--once", action="store_true", help="look once, then end")
        parser.add_argument(
            "--with-parent", action="store_true", help="end when the process that started this one ends"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Look, wait, look again, until told to stop."""
        if options["every"] <= 0 or options["grace"] < 0 or options["anchor_every"] < 0:
            raise CommandError("--every is more than 0 seconds, --grace and --anchor-every at least 0.")
        parent = os.getppid()
        with _stop_on_signals() as stop:
            with command_errors():
                self.check_migrations()
            anchored = -math.inf
            while not stop.is_set():
                self._look(timedelta(seconds=options["grace"]))
                if time.monotonic() - anchored >= options["anchor_every"]:
                    anchored = time.monotonic()
                    self._anchor(stop)
                orphaned = options["with_parent"] and os.getppid() != parent
                if options["once"] or orphaned or stop.wait(options["every"]):
                    return

    def _look(self, grace: timedelta) -> None:
        with operation(actor=Actor.system("worker"), nested=False):
            for namespace in self._try(_cut_off, grace) or ():
                self._say(self._try(_finish, namespace))
            self._say(self._try(_hand_over))
            self._say(self._try(_anonymise))

    def _anchor(self, stop: threading.Event) -> None:
        """Chain what was written in each namespace; who stops the worker waits for one of them."""
        with operation(actor=Actor.system("worker"), nested=False):
            for namespace in self._try(_usable) or ():
                if stop.is_set():
                    return
                with namespace_scope(namespace):
                    self._try(anchor)
                close_old_connections()  # one that met many schemas

    def _try(self, job: Callable[..., T], *arguments: Any) -> T | None:
        """Return what the job returns; one that fails is reported and does not stop the others."""
        try:
            return job(*arguments)
        except NamespaceBusy:
            return None  # Its process lives: nothing was cut off.
        except SmartModelsError as error:
            self.stderr.write(f"error: {error} [{error.code}]")
        except DatabaseUnusable as error:
            self.stderr.write(f"error: {' '.join(str(error).split())}")
            close_old_connections()
        return None

    def _say(self, line: str | None) -> None:
        if line:
            self.stdout.write(line)
            self.stdout.flush()


def _cut_off(grace: timedelta) -> list[Any]:
    """Return the namespaces whose making neither ended nor failed in the time it may take."""
    begun_before = timezone.now() - grace
    return [
        namespace
        for namespace in unfinished()
        if namespace.state in (State.RESERVED, State.CREATING) and namespace.created_at < begun_before
    ]


def _usable() -> list[Any]:
    """Return the namespaces that may have written something."""
    usable = get_namespace_model().objects.filter(state__in=(State.ACTIVE, State.SUSPENDED))
    return list(usable.order_by("slug"))


def _finish(namespace: Any) -> str:
    last_step = namespace.step or "reserve"
    return f"{namespace.slug}: cut off after {last_step!r}, now {resume(namespace).state}"


def _hand_over() -> str:
    return "\n".join(f"{slug}: {rows} rows handed over" for slug, rows in continue_handovers().items())


def _anonymise() -> str:
    return "\n".join(f"anonymised: {change.email}" for change in anonymise_due() if not change.left)


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set; the same signal once more ends the process at once."""
    stop = threading.Event()

    def ask(number: int, _: Any) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
