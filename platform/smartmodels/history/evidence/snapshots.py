"""One moment of the database, with values written as the triggers write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

__all__ = ["filled", "moment", "rows_of"]

# What smartmodels_capture() fixes for itself, and what keeps a long statement quick. Nested loops are chosen
# for the two rows of a table that nobody analyzed yet, and meet a million.
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "work_mem": "64MB",
    "enable_nestloop": "off",
    "jit": "off",
}


@contextmanager
def moment() -> Iterator[None]:
    """Let every statement of the block see the same rows, and their values as the triggers saw them.

    Nothing can be written in it. An open transaction is used as it is, and its settings come back.
    """
    begins = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if begins:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with transaction.atomic():
            for name, value in _SETTINGS.items():
                cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
            yield
            # Settings go back with the savepoint.
            transaction.set_rollback(True)


def rows_of(sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return the rows of a statement by the names of their columns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def filled(template: str, **names: str) -> str:
    """Return the statement with these names and expressions in it, ready for parameters."""
    return template.format(**{name: sql.replace("%", "%%") for name, sql in names.items()})
