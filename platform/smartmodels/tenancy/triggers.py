"""Triggers, expressed as model constraints.

Django's autodetector knows how to add, remove and alter constraints. By being one, a trigger is installed
by the migration that ``makemigrations`` writes; no custom command is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.backends.ddl_references import Statement, Table
from django.db.models.constraints import BaseConstraint

__all__ = ["AsksNewRows", "Trigger", "TriggerConstraint", "literal", "quoted"]


def quoted(name: str) -> str:
    """Return the name as an identifier in SQL."""
    return '"{}"'.format(name.replace('"', '""'))


def literal(text: str) -> str:
    """Return the text as a string in SQL."""
    return "'{}'".format(text.replace("'", "''"))


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger: its name, the table it stands on, when it fires, what it calls with which arguments."""

    name: str
    table: str
    fires: str
    function: str
    arguments: tuple[str, ...] = ()

    def create_sql(self) -> str:
        """Return the statement that makes the trigger, in the schema that is bound."""
        arguments = ", ".join(map(literal, self.arguments))
        before, level, after = self.fires.partition(" FOR EACH ")
        return (
            f"CREATE TRIGGER {quoted(self.name)} {before.replace('{table}', quoted(self.table))}"
            f"{level}{after} EXECUTE FUNCTION public.{self.function}({arguments})"
        )

    def drop_sql(self) -> str:
        """Return the statement that removes the trigger, if its table is still there."""
        return (
            f"DO $$ BEGIN IF to_regclass({literal(quoted(self.table))}) IS NOT NULL THEN "
            f"DROP TRIGGER IF EXISTS {quoted(self.name)} ON {quoted(self.table)}; END IF; END $$"
        )


class TriggerConstraint(BaseConstraint):
    """A constraint of a model that consists of triggers and forbids no value of any row."""

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return the triggers for the model's ``table``, in the order of their making."""
        raise TypeError("A constraint of triggers says which triggers they are.")

    def all_triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return the triggers that there may be, whatever the settings say now."""
        return self.triggers(table)

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return the statements that install the triggers."""
        statements = (trigger.create_sql() for trigger in self.triggers(model._meta.db_table))
        return self._statement(statements, model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return the statements that remove the triggers, whatever the settings said when they were made."""
        statements = (trigger.drop_sql() for trigger in self.all_triggers(model._meta.db_table))
        return self._statement(statements, model, schema_editor)

    @staticmethod
    def _statement(statements: Any, model: Any, schema_editor: Any) -> Statement:
        # Django forgets statements that it has put off when it drops the table they name.
        template = "; ".join(statements).replace("%", "%%") + " /* on %(table)s */"
        return Statement(template, table=Table(model._meta.db_table, schema_editor.quote_name))

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        """Install the triggers after CREATE TABLE, which cannot hold them."""
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def validate(
        self, model: Any, instance: models.Model, exclude: Any = None, using: str = "default"
    ) -> None:
        """Every row is valid."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return bool(self.deconstruct() == other.deconstruct())

    def __hash__(self) -> int:
        return hash((type(self), self.name))


class AsksNewRows(TriggerConstraint):
    """A constraint whose trigger on new rows first runs a query of another constraint, which needs none then.

    An INSERT of one row costs a twentieth less for each trigger that it does not fire.
    """

    _first: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()

    @property
    def first(self) -> tuple[str, ...]:
        """Return the query that ``new_rows`` have to pass, and that for one row; {schema} is the schema."""
        return self._first if isinstance(self._first, tuple) else self._first()

    def ask_first(self, query: Callable[[], tuple[str, ...]]) -> None:
        """Take a query in both forms, which are known only when all models are."""
        self._first = query
