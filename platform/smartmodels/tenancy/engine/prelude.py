"""What has to be said to PostgreSQL before a statement, and what it already knows.

Two things travel with a statement, in the same message and so without a round trip of their own: the
``search_path`` of the bound namespace and, for writes, the open operation (which the capture trigger
reads). Both are sent only when the connection does not have them in force already.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "OPERATION_SETTING",
    "Known",
    "Prelude",
    "can_share_message",
    "is_read",
    "is_transaction_control",
    "is_write",
]

OPERATION_SETTING = "smartmodels.operation"

# What may stand before the first word: space, parentheses and comments.
_AHEAD = r"(?:[\s(]|--[^\n]*\n|/\*.*?\*/)*"


def _beginning(words: str, rest: str = "") -> re.Pattern[str]:
    return re.compile(rf"{_AHEAD}(?:{words})\b{rest}", re.IGNORECASE | re.DOTALL)


_TRANSACTION = _beginning("BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|START|END|ABORT", r"[^;]*;?\s*\Z")
_READ = _beginning("SELECT|SHOW|SET|EXPLAIN|FETCH|CLOSE|DECLARE")
_DATA = _beginning("SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|VALUES|TABLE")
_WRITE = _beginning("INSERT|UPDATE|DELETE|WITH|MERGE|COPY|TRUNCATE|DO|CALL|PREPARE|EXECUTE|EXPLAIN")
_EXECUTED = _beginning("EXPLAIN", r"[^;]*?\bANALY[SZ]E\b")


def is_transaction_control(statement: str) -> bool:
    """Tell whether the statement must stand alone because it must also work in a failed transaction.

    Only a single statement can: what follows in the same string needs the path like any other.
    """
    return not statement.startswith("SELECT ") and _TRANSACTION.match(statement) is not None


def is_read(statement: str) -> bool:
    """Tell whether the statement writes nothing that history would capture, as far as its words say.

    EXPLAIN ANALYZE executes, and after a semicolon anything may follow; a function that a SELECT calls
    cannot be told.
    """
    if statement.startswith("SELECT ") and ";" not in statement:
        return True  # what nearly all are, without a look at every character
    if ";" in statement.rstrip().removesuffix(";") or _EXECUTED.match(statement):
        return False
    return _READ.match(statement) is not None


def can_share_message(statement: str) -> bool:
    """Tell whether the statement may follow others in one message.

    Utility statements such as CREATE DATABASE or CREATE INDEX CONCURRENTLY refuse to: several
    statements in one message are an implicit transaction.
    """
    return statement.startswith("SELECT ") or _DATA.match(statement) is not None


def is_write(statement: str) -> bool:
    """Tell whether the statement may write rows that history captures, and can do so in a transaction."""
    return _WRITE.match(statement) is not None


@dataclass(slots=True)
class Known:
    """What the server session is known to have in force; None is unknown.

    A schema's path, an operation, the milliseconds a statement may take (0: what the server says) and those
    that hold again after a rollback.
    """

    schema: str | None = None
    operation: str | None = ""
    timeout: int | None = 0
    lasting: int | None = 0

    def forget(self) -> None:
        """Assume nothing any more: after an error, or a rollback to a savepoint."""
        self.schema = None
        self.operation = None
        self.timeout = self.lasting = None

    def roll_back(self) -> None:
        """Know what holds after a rollback: no operation, and the time from before the transaction."""
        self.schema = None
        self.operation = ""
        self.timeout = self.lasting

    def commit(self) -> None:
        """Know what holds after a COMMIT that keeps what was set: everything but the operation."""
        self.operation = ""
        self.lasting = self.timeout


@dataclass(slots=True)
class Prelude:
    """Statements to send first, as the beginning of one message, and how many they are.

    The other fields are what is known once they succeeded.
    """

    sql: str
    statements: int
    schema: str
    operation: str | None
    timeout: int
