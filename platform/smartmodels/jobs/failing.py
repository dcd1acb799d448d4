"""What is kept of an error: its kind and a sentence, no row of anybody and no password."""

from __future__ import annotations

import re

from django.db import Error, InterfaceError, OperationalError

from smartmodels.exceptions import SmartModelsError

__all__ = ["describe_error", "is_outage"]

_LONGEST = 2000
_ACCOUNT = re.compile(r"(?<=://)[^\s/@]+@")
_PASSWORD = re.compile(r"(?i)\b(password|passwd|secret|token|api_?key)\b(\s*[=:]\s*)\S+")
_CANCELLED_STATEMENT = "57014"


def describe_error(error: BaseException) -> tuple[str, str]:
    """Return the error's code and message.

    Of an error of the database only PostgreSQL's first line is kept: its details quote rows.
    """
    if isinstance(error, SmartModelsError):
        return error.code, error.message[:_LONGEST]
    kind = type(error).__name__
    if isinstance(error, Error):
        diagnosis = getattr(error.__cause__, "diag", None)
        said = getattr(diagnosis, "message_primary", None) or "The database failed."
    else:
        said = str(error)
    said = _PASSWORD.sub(r"\1\2***", _ACCOUNT.sub("***@", said))
    return kind, said.replace("\x00", "")[:_LONGEST]


def is_outage(error: BaseException) -> bool:
    """Tell whether the database went away, which is not the job's fault."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return False
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or (state[:2] in ("08", "57") and state != _CANCELLED_STATEMENT)
