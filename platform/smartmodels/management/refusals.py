"""Errors for a person at the keyboard: one sentence and a code, no traceback; in JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, ProgrammingError
from psycopg import OperationalError as DriverError
from psycopg.errors import UndefinedTable

from smartmodels.exceptions import SmartModelsError

__all__ = ["RefusingCommand", "command_errors"]

_CODED = re.compile(r"(?P<detail>.*?)\s*\[(?P<code>[a-z][a-z-]*)\]", re.DOTALL)


class RefusingCommand(BaseCommand):
    """A command that is refused in JSON where ``--json`` was asked for.

    The last line of stderr is then ``{"error": {"code", "detail", "details"}}``, of which ``details`` is what
    a program needs to act. The exit code is the same as without. Wrong usage (2) is told in words, as
    Django's parser tells it before the command is asked.
    """

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run it; who called it from Python gets the CommandError."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            as_json = options.get("json") and not options.get("traceback")
            if not (as_json and self._called_from_command_line):  # type: ignore[attr-defined]
                raise
            self.stderr.write(_as_json(error), lambda text: text)
            raise SystemExit(error.returncode) from error


def _as_json(error: CommandError) -> str:
    cause, coded = error.__cause__, _CODED.fullmatch(str(error))
    known: dict[str, Any] = {"code": "refused", "detail": str(error)}
    if isinstance(cause, SmartModelsError):
        known = {"code": cause.code, "detail": cause.message, "details": dict(cause.details)}
    elif coded is not None:
        known = {"code": coded["code"], "detail": coded["detail"]}
    return json.dumps({"error": known}, default=str)


@contextmanager
def command_errors() -> Iterator[None]:
    """Turn what the library refuses, and a database that is not there, into CommandError (exit code 1)."""
    try:
        yield
    except SmartModelsError as error:
        raise CommandError(f"{error.message} [{error.code}]") from error
    except (OperationalError, InterfaceError, DriverError) as error:
        raise CommandError(
            f"The database cannot be used: {_line(error)} See DATABASE_URL. [database-unavailable]"
        ) from error
    except ProgrammingError as error:
        if not isinstance(error.__cause__, UndefinedTable):
            raise
        raise CommandError(
            "The database lacks tables: run `manage.py migrate` first. [database-not-migrated]"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
