"""What has to be said to PostgreSQL before a statement, and what it already knows.

Two things travel with a statement, in the same message and so without a round trip of their own: the
``search_path`` of the bound namespace and, for writes, the open operation (which the capture trigger
reads). Both are sent only when the connection does not have them in force already.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OPERATION_SETTING", "Known", "Prelude", "can_share_message", "is_read", "is_transaction_control"]

OPERATION_SETTING = "smartmodels.operation"

_TRANSACTION_WORDS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START", "END", "ABORT")
_DATA_WORDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "VALUES", "TABLE")


def _first_word(statement: str) -> str:
    return (
        statement.lstrip(" \t\r\n(")[:12].split(None, 1)[0].rstrip(";").upper() if statement.strip() else ""
    )


def is_transaction_control(statement: str) -> bool:
    """Tell whether the statement must stand alone because it must also work in a failed transaction."""
    return _first_word(statement).startswith(_TRANSACTION_WORDS)


def is_read(statement: str) -> bool:
    """Tell whether the statement surely writes nothing that history would capture."""
    return _first_word(statement).startswith(("SELECT", "SHOW", "SET", "EXPLAIN", "FETCH", "CLOSE"))


def can_share_message(statement: str) -> bool:
    """Tell whether the statement may follow others in one message.

    Utility statements such as CREATE DATABASE or CREATE INDEX CONCURRENTLY refuse to: several
    statements in one message are an implicit transaction.
    """
    return _first_word(statement).startswith(_DATA_WORDS)


@dataclass(slots=True)
class Known:
    """What the server session is known to have in force; None means unknown."""

    path: str | None = None
    operation: str | None = None

    def forget(self) -> None:
        """Assume nothing any more: after a rollback, an error or a new connection."""
        self.path = None
        self.operation = None


@dataclass(frozen=True, slots=True)
class Prelude:
    """Statements to send first; ``path`` and ``operation`` are what is known once they succeeded."""

    statements: tuple[str, ...]
    path: str | None
    operation: str | None
    transient: bool

    @property
    def sql(self) -> str:
        """Return the statements as the beginning of one message."""
        return "".join(f"{statement}; " for statement in self.statements)
