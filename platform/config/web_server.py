"""gunicorn with threads, configured here: no file of its own, no control socket, no module to name."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]

__all__ = ["WebServer"]


def _nothing() -> None:
    """Look after nothing."""


@dataclass(frozen=True, slots=True)
class _Options:
    bind: str
    workers: int
    threads: int
    log_requests: bool
    quiet: bool

    def as_settings(self) -> dict[str, Any]:
        """Return the options under gunicorn's names."""
        return {
            "bind": self.bind,
            "worker_class": "gthread",
            "workers": self.workers,
            "threads": self.threads,
            "accesslog": "-" if self.log_requests else None,
            "loglevel": "warning" if self.quiet else "info",
            # Somebody who presses Ctrl-C waits; browsers keep idle connections open for longer.
            "graceful_timeout": 2 if sys.stdin.isatty() else 10,
            # Loaded once, before the processes are forked, so that the first requests wait for nothing.
            "preload_app": True,
            "control_socket_disable": True,
        }


class _Arbiter(Arbiter):  # type: ignore[misc]
    def manage_workers(self) -> None:
        super().manage_workers()
        self.app.tend()


class _TerminalArbiter(_Arbiter):
    def handle_hup(self) -> None:
        raise StopIteration


class WebServer(BaseApplication):  # type: ignore[misc]
    """Serve the platform until SIGINT or SIGTERM; ``run()`` then raises SystemExit."""

    def __init__(  # noqa: PLR0913 - every argument but the address is named
        self,
        bind: str,
        *,
        workers: int,
        threads: int,
        log_requests: bool = False,
        quiet: bool = False,
        tend: Callable[[], None] = _nothing,
    ) -> None:
        """``tend`` is called in the first process every second or so, to look after what runs beside it."""
        self.tend = tend
        self._options = _Options(bind, workers, threads, log_requests, quiet)
        super().__init__()

    def load_config(self) -> None:
        """Take over the options; those that an older gunicorn does not know are left out."""
        for name, value in self._options.as_settings().items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def run(self) -> None:
        """Serve; where a terminal started the server, the end of the terminal is its end as well."""
        # Files are served from the apps; the folder of collected ones may be empty, but is looked for.
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        # Without a terminal, SIGHUP reloads, as a service manager expects.
        arbiter = _TerminalArbiter if sys.stdin.isatty() else _Arbiter
        arbiter(self).run()

    def load(self) -> WSGIHandler:
        """Return the application, with all that its first requests need."""
        application = get_wsgi_application()
        for urlconf in (settings.ROOT_URLCONF, settings.PUBLIC_URLCONF):
            import_module(urlconf)
        # What is loaded stays: no process looks at it for garbage, nor copies its pages by doing so.
        gc.collect()
        gc.freeze()
        return application
