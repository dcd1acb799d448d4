"""The triggers that capture history, expressed as a model constraint.

Django's autodetector knows how to add, remove and alter constraints. By being one, capture is installed
by the migration that ``makemigrations`` writes, and re-installed whenever the columns of the model
change; no custom command is needed.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.ddl_references import Statement, Table
from django.db.models.constraints import BaseConstraint

__all__ = ["HistoryCapture"]

_EVENTS = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
}


def _listed(columns: tuple[str, ...], prefix: str = "") -> str:
    quoted = (column.replace('"', '""') for column in columns)
    return ", ".join(f'{prefix}"{column}"' for column in quoted)


def _literal(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


class HistoryCapture(BaseConstraint):
    """Three statement-level triggers that write every change of ``columns`` to ``history_table``.

    ``key`` is the primary key column, ``deleted`` the soft-delete column or an empty string.
    """

    def __init__(
        self, *, name: str, history_table: str, key: str, columns: tuple[str, ...], deleted: str = ""
    ) -> None:
        super().__init__(name=name)
        self.history_table = history_table
        self.key = key
        self.columns = tuple(columns)
        self.deleted = deleted

    def _trigger_name(self, event: str) -> str:
        return f"{self.name}_{event.lower()}"

    def _create(self, table: str, event: str) -> str:
        arguments = ", ".join(
            _literal(argument)
            for argument in (
                self.history_table,
                self.key,
                _listed(self.columns),
                _listed(self.columns, "n."),
                _listed(self.columns, "o."),
                self.deleted,
            )
        )
        return (
            f'CREATE TRIGGER "{self._trigger_name(event)}" AFTER {event} ON {table} {_EVENTS[event]} '
            f"FOR EACH STATEMENT EXECUTE FUNCTION public.smartmodels_capture({arguments})"
        )

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return the statements that install the triggers."""
        table = Table(model._meta.db_table, schema_editor.quote_name)
        statements = "; ".join(self._create("%(table)s", event).replace("%%", "%") for event in _EVENTS)
        return Statement(statements, table=table)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return the statements that remove the triggers."""
        table = Table(model._meta.db_table, schema_editor.quote_name)
        template = "; ".join(
            f'DROP TRIGGER IF EXISTS "{self._trigger_name(event)}" ON %(table)s' for event in _EVENTS
        )
        return Statement(template, table=table)

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        """Install the triggers after CREATE TABLE, which cannot hold them."""
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def validate(
        self, model: Any, instance: models.Model, exclude: Any = None, using: str = "default"
    ) -> None:
        """Every row is valid: capture constrains nothing."""

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        kwargs.update(
            history_table=self.history_table, key=self.key, columns=self.columns, deleted=self.deleted
        )
        return path, args, kwargs

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HistoryCapture):
            return NotImplemented
        return bool(self.deconstruct() == other.deconstruct())

    def __hash__(self) -> int:
        return hash((self.name, self.history_table, self.columns))
