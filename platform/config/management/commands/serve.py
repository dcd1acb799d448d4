"""``manage.py serve``: serve the public site and all namespaces over HTTP."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from django.core.management import BaseCommand, CommandError, CommandParser, call_command
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from config.ports import is_free
from smartmodels.conf import settings
from smartmodels.management.refusals import command_errors

__all__ = ["Command"]

_LAST_PORT = 65535


class Command(BaseCommand):
    """Serve until Ctrl-C or SIGTERM; on loopback, so for this machine alone, unless --host says otherwise."""

    help = "Serve the public site and all namespaces with gunicorn; Ctrl-C stops it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
        parser.add_argument("--threads", type=int, default=8, help="threads each (default: %(default)s)")
        parser.add_argument("--log-requests", action="store_true", help="one line per request on stdout")
        parser.add_argument("--quiet", action="store_true", help="say nothing but warnings")
        parser.add_argument(
            "--reload", action="store_true", help="for development: Django's server, restarted on every edit"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Refuse what cannot work with one sentence, then serve."""
        host, port = options["host"], options["port"]
        if not 0 < port <= _LAST_PORT or options["workers"] < 1 or options["threads"] < 1:
            raise CommandError("--port is 1 to 65535; --workers and --threads are at least 1.")
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if options["reload"]:
            call_command("runserver", bind)
            return
        if not is_free(port, host):
            raise CommandError(f"{bind} cannot be listened on: is something else on that port? Try --port.")
        self._warn(options["threads"])
        with command_errors():
            self.check_migrations()
        # The server's processes are forked from this one and must not share its connections.
        connections.close_all()
        for each in connections.all():
            cast(DatabaseWrapper, each).close_pool()
        self._server()(
            bind,
            workers=options["workers"],
            threads=options["threads"],
            log_requests=options["log_requests"],
            quiet=options["quiet"],
        ).run()

    def _warn(self, threads: int) -> None:
        """Say when one namespace could take all threads, or all connections, of a process."""
        most = settings().REQUESTS_PER_NAMESPACE
        pool = connections["default"].settings_dict["OPTIONS"].get("pool")
        for there_are, what in ((threads, "threads"), (pool and pool["max_size"], "connections of the pool")):
            if there_are and not 0 < most < there_are:
                self.stderr.write(
                    f"warning: one namespace can take all {there_are} {what} of a process: "
                    "let REQUESTS_PER_NAMESPACE be lower, and not 0."
                )

    @staticmethod
    def _server() -> Any:
        try:
            return import_module("config.web_server").WebServer
        except ImportError as error:
            raise CommandError(
                "gunicorn is not installed: install the extra 'server', or use --reload for development."
            ) from error
