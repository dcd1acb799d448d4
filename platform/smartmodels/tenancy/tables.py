"""Give a namespace's schema its tables: by the recorded script, or by migrations where there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, OperationalError, transaction

from smartmodels.tenancy.migrating import migrate_namespace, note_schema_state, recorded
from smartmodels.tenancy.template import code_state, current_template, replay

__all__ = ["make_tables", "tables_made"]

Progress = Callable[[str], None]

_logger = logging.getLogger(__name__)


def make_tables(namespace: Any, *, progress: Progress) -> None:
    """Make the tables of a namespace; one that has some is brought up to date by migrations."""
    if namespace.has_tables:
        return
    there = recorded(namespace)
    if there is not None and there >= code_state().migrations.keys():
        return
    template = current_template(progress=progress) if there is None else None
    if template is None or not _replayed(namespace, template):
        migrate_namespace(namespace, progress=progress)


def _replayed(namespace: Any, template: Any) -> bool:
    try:
        with transaction.atomic():
            replay(template.script, namespace.schema_name)
            tables_made(namespace)
    except DatabaseError as error:
        # Where the server is gone or full migrations would fail as well; they take fewer locks at a time.
        if isinstance(error, OperationalError) and not _is_out_of_locks(error):
            raise
        _logger.warning("The script of the template failed, so migrations are run instead: %s", error)
        return False
    return True


def _is_out_of_locks(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == "53200"


def tables_made(namespace: Any) -> None:
    """Take note of the migrations that made the tables of a new schema.

    Called in the transaction in which a script or a spare gave the namespace its tables; migrations that
    are run one by one report themselves.
    """
    note_schema_state(namespace.schema_name)
