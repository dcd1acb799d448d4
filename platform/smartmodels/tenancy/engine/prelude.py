"""What has to be said to PostgreSQL before a statement, and what it already knows.

Two things travel with a statement, in the same message and so without a round trip of their own: the
``search_path`` of the bound namespace and, for writes, the open operation (which the capture trigger
reads). Both are sent only when the connection does not have them in force already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["OPERATION_SETTING", "Known", "Prelude", "can_share_message", "is_read", "is_transaction_control"]

OPERATION_SETTING = "smartmodels.operation"

_TRANSACTION = re.compile(r"[\s(]*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|START|END|ABORT)\b", re.IGNORECASE)
_READ = re.compile(r"[\s(]*(SELECT|SHOW|SET|EXPLAIN|FETCH|CLOSE|DECLARE)\b", re.IGNORECASE)
_DATA = re.compile(r"[\s(]*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|VALUES|TABLE)\b", re.IGNORECASE)


def is_transaction_control(statement: str) -> bool:
    """Tell whether the statement must stand alone because it must also work in a failed transaction."""
    return _TRANSACTION.match(statement) is not None


def is_read(statement: str) -> bool:
    """Tell whether the statement surely writes nothing that history would capture."""
    return _READ.match(statement) is not None


def can_share_message(statement: str) -> bool:
    """Tell whether the statement may follow others in one message.

    Utility statements such as CREATE DATABASE or CREATE INDEX CONCURRENTLY refuse to: several
    statements in one message are an implicit transaction.
    """
    return _DATA.match(statement) is not None


@dataclass(slots=True)
class Known:
    """What the server session is known to have in force: a schema's path, an operation; None is unknown."""

    schema: str | None = None
    operation: str | None = ""

    def forget(self) -> None:
        """Assume nothing any more: after an error, or a rollback to a savepoint."""
        self.schema = None
        self.operation = None

    def begin_anew(self) -> None:
        """Know that no operation is in force: after a rollback, or on a new connection."""
        self.schema = None
        self.operation = ""


@dataclass(frozen=True, slots=True)
class Prelude:
    """Statements to send first; ``schema`` and ``operation`` are what is known once they succeeded."""

    statements: tuple[str, ...]
    schema: str
    operation: str | None

    @property
    def sql(self) -> str:
        """Return the statements as the beginning of one message."""
        return "".join(f"{statement}; " for statement in self.statements)
