"""What a connection really sends to PostgreSQL, as libpq's own trace tells it."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection

_SENT = re.compile(r'F\t\d+\tQuery\t "(?P<text>.*)"\Z')


@dataclass
class Wire:
    """The texts of the messages that were sent, oldest first."""

    sent: list[str] = field(default_factory=list)

    def holding(self, words: str) -> list[str]:
        """The messages that hold these words."""
        return [text for text in self.sent if words in text]


@contextmanager
def traced() -> Iterator[Wire]:
    """Trace Django's connection for the block; what was sent is known once the block is left."""
    wire = Wire()
    connection.ensure_connection()
    pgconn = connection.connection.pgconn
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as log:
        pgconn.trace(log.fileno())
        pgconn.set_trace_flags(1)  # no times
        try:
            yield wire
        finally:
            pgconn.untrace()
        log.seek(0)
        wire.sent += [found["text"] for line in log if (found := _SENT.match(line.rstrip("\n")))]
