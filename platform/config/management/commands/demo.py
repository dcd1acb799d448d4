"""``manage.py demo``: three namespaces with real data, served."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import connection

from config.demo.guide import as_facts, as_text
from config.demo.screen import Screen
from config.demo.story import Story
from config.demo.worker import worker_beside
from config.ports import free_port, is_free
from config.web_server import WebServer
from smartmodels.management.output import as_json
from smartmodels.management.refusals import command_errors

__all__ = ["Command"]

_PORT, _LAST_PORT = 8000, 65535
_INTERRUPTED = 130


class Command(BaseCommand):
    """Tell the demo's story in this database, say where everything is, and serve it.

    Telling it again finishes what was cut off and changes nothing else. Refused beside real tenants.
    """

    # The servers check; a story told before should take no longer than it must.
    requires_system_checks = ()
    help = "Make three namespaces with real field data and what happens in them, then serve them on loopback."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--port", type=int, help=f"port to serve on (default: {_PORT} or the next free one)"
        )
        parser.add_argument("--no-serve", action="store_true", help="end after the story")
        parser.add_argument(
            "--json", action="store_true", help="the summary as JSON on stdout, all else on stderr"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Tell, say, serve; Ctrl-C ends all of it."""
        with _quiet_interruption(), command_errors():
            self._run(options)

    def _run(self, options: dict[str, Any]) -> None:
        port, folder = _settle_port(options["port"]), Path(settings.DATA) / "demo"
        screen = Screen(sys.stderr if options["json"] else sys.stdout)
        began = time.monotonic()
        screen.say(f"Demo in {_database()}")
        story = Story(folder, screen)
        story.tell()
        seconds, facts = time.monotonic() - began, as_facts(folder, port)
        screen.say(f"Ready after {seconds:.1f} s{'' if story.changed else ', nothing had to change'}.\n")
        if options["json"]:
            self.stdout.write(as_json({**facts, "changed": story.changed, "seconds": round(seconds, 3)}))
            self.stdout.flush()
        screen.say(as_text(facts))
        if options["no_serve"]:
            screen.say("\nNothing is served (--no-serve): ./dev run does.")
            return
        if port != (options["port"] or _PORT):
            screen.say(f"\nPort {_PORT} is taken by another program, so this is served on {port}.")
        screen.say("\nServing; Ctrl-C stops everything.")
        with worker_beside() as worker:
            WebServer(f"127.0.0.1:{port}", workers=1, threads=8, quiet=True, tend=worker.tend).run()


def _settle_port(wanted: int | None) -> int:
    """Return the port to serve on; one that was asked for is taken or refused, never replaced."""
    if wanted is None:
        port = free_port(_PORT)
        if port is None:
            raise CommandError(f"No port from {_PORT} on is free: name one with --port.")
        return port
    if not 0 < wanted <= _LAST_PORT:
        raise CommandError(f"{wanted} is no port: name one from 1 to 65535.")
    if not is_free(wanted):
        raise CommandError(f"Port {wanted} is taken by another program: name another one, or none.")
    return wanted


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_setting('server_version')")
        name, version = cursor.fetchone()
    return f"database {name!r}, PostgreSQL {version.split()[0]}"


@contextmanager
def _quiet_interruption() -> Iterator[None]:
    """End without a traceback on Ctrl-C, on SIGTERM, and when the terminal goes away."""

    def interrupt(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. ./dev demo goes on where this ended.\n")
        sys.exit(_INTERRUPTED)
