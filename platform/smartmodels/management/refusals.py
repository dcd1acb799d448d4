"""Errors as a person at the keyboard needs them: one sentence and a code, no traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, ProgrammingError
from psycopg import OperationalError as DriverError
from psycopg.errors import UndefinedTable

from smartmodels.exceptions import SmartModelsError

__all__ = ["command_errors"]


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
