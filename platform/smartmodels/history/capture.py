"""The triggers that capture history, expressed as model constraints.

Django's autodetector knows how to add, remove and alter constraints. By being one, capture is installed
by the migration that ``makemigrations`` writes, and re-installed whenever the columns of the model
change; no custom command is needed.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.backends.ddl_references import Statement, Table
from django.db.models.constraints import BaseConstraint

__all__ = ["HistoryCapture", "HistoryGuard", "Trigger"]

# What a history row holds besides the columns of its model; the digest covers it, too.
_VERSION_COLUMNS = (
    "history_id", "history_type", "action", "history_date", "segment_id", "operation_id", "history_user_id",
    "actor_kind", "actor_label", "history_change_reason", "via_namespace", "reverted_from",
)  # fmt: skip
_LINK_COLUMNS = ("m2m_history_id", "history_id", "segment_id")


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


def _listed(columns: tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(prefix + _quoted(column) for column in columns)


def _literal(text: str) -> str:
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
        arguments = ", ".join(map(_literal, self.arguments))
        before, level, after = self.fires.partition(" FOR EACH ")
        return (
            f"CREATE TRIGGER {_quoted(self.name)} {before.replace('{table}', _quoted(self.table))}"
            f"{level}{after} EXECUTE FUNCTION public.{self.function}({arguments})"
        )

    def drop_sql(self) -> str:
        """Return the statement that removes the trigger, if its table is still there."""
        return (
            f"DO $$ BEGIN IF to_regclass({_literal(_quoted(self.table))}) IS NOT NULL THEN "
            f"DROP TRIGGER IF EXISTS {_quoted(self.name)} ON {_quoted(self.table)}; END IF; END $$"
        )


class TriggerConstraint(BaseConstraint):
    """A constraint of a model that consists of triggers and forbids no value of any row."""

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return the triggers for the model's ``table``, in the order of their making."""
        raise TypeError("A constraint of triggers says which triggers they are.")

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return the statements that install the triggers."""
        statements = (trigger.create_sql() for trigger in self.triggers(model._meta.db_table))
        return self._statement(statements, model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return the statements that remove the triggers."""
        statements = (trigger.drop_sql() for trigger in self.triggers(model._meta.db_table))
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


class HistoryCapture(TriggerConstraint):
    """Statement-level triggers that write every change of ``columns`` to ``history_table``.

    ``key`` is the primary key column, ``deleted`` the soft-delete column or an empty string. ``links``
    lists the tracked tables of links, each as (table, column that points here, columns, its history
    table): a change of links is a version of the row, and every version keeps the links it had.
    """

    def __init__(  # noqa: PLR0913 - what a migration has to say about the triggers
        self,
        *,
        name: str,
        history_table: str,
        key: str,
        columns: tuple[str, ...],
        deleted: str = "",
        links: tuple[tuple[str, str, tuple[str, ...], str], ...] = (),
    ) -> None:
        super().__init__(name=name)
        self.history_table = history_table
        self.key = key
        self.columns = tuple(columns)
        self.deleted = deleted
        self.links = tuple((table, source, tuple(names), history) for table, source, names, history in links)

    @property
    def layout(self) -> dict[str, str]:
        """Return, for each table that the triggers write, the columns that a digest covers."""
        tables = {self.history_table: _listed(_VERSION_COLUMNS + self.columns)}
        for _, _, columns, history in self.links:
            tables[history] = _listed(_LINK_COLUMNS + columns)
        return tables

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return the triggers on the table, then those on its tables of links."""
        live = self._arguments(table, "")
        new, old = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
        each = "FOR EACH STATEMENT"
        made = [
            self._trigger(table, "insert", f"AFTER INSERT ON {{table}} REFERENCING {new} {each}", live),
            self._trigger(table, "update", f"AFTER UPDATE ON {{table}} REFERENCING {old} {new} {each}", live),
            self._trigger(table, "delete", f"AFTER DELETE ON {{table}} REFERENCING {old} {each}", live),
            self._trigger(table, "truncate", f"BEFORE TRUNCATE ON {{table}} {each}", live),
            self._trigger(
                table,
                "key",
                f"AFTER UPDATE OF {_quoted(self.key)} ON {{table}} FOR EACH ROW "
                f"WHEN (OLD.{_quoted(self.key)} IS DISTINCT FROM NEW.{_quoted(self.key)})",
                live,
            ),
        ]
        for number, (links, source, _, _) in enumerate(self.links):
            there, word = self._arguments(table, source), f"links{number}"
            made += [
                self._trigger(
                    links, f"{word}_i", f"AFTER INSERT ON {{table}} REFERENCING {new} {each}", there
                ),
                self._trigger(
                    links, f"{word}_u", f"AFTER UPDATE ON {{table}} REFERENCING {old} {new} {each}", there
                ),
                self._trigger(
                    links, f"{word}_d", f"AFTER DELETE ON {{table}} REFERENCING {old} {each}", there
                ),
                self._trigger(links, f"{word}_t", f"AFTER TRUNCATE ON {{table}} {each}", there),
            ]
        return tuple(made)

    def _trigger(self, table: str, word: str, fires: str, arguments: tuple[str, ...]) -> Trigger:
        return Trigger(f"{self.name}_{word}", table, fires, "smartmodels_capture", arguments)

    def _arguments(self, table: str, source: str) -> tuple[str, ...]:
        layout = json.dumps(self.layout, sort_keys=True)
        key = uuid.UUID(bytes=hashlib.sha256(layout.encode()).digest()[:16])
        return (
            self.history_table, table, self.key,
            _listed(self.columns), _listed(self.columns, "n."), _listed(self.columns, "o."),
            self.deleted, self._copies_of_links(),
            str(key), self.layout[self.history_table], layout, source,
        )  # fmt: skip

    def _copies_of_links(self) -> str:
        """Return the parts of a WITH that copy the links of each row in ``written``; '' without links."""
        if not self.links:
            return ""
        parts, digests = [], ["SELECT 0 AS part, number, digest FROM written"]
        for number, (table, source, columns, history) in enumerate(self.links):
            parts.append(
                f", links{number} AS (INSERT INTO {{schema}}.{_quoted(history)} "  # noqa: S608
                f"({_listed(columns)}, history_id, segment_id) "
                f"SELECT {_listed(columns, 't.')}, w.number, $3 FROM written w "
                f"JOIN {{schema}}.{_quoted(table)} t ON t.{_quoted(source)} = w.row_key "
                f"RETURNING m2m_history_id AS number, "
                f"sha256(convert_to(ROW({self.layout[history]})::text, 'UTF8')) AS digest)"
            )
            digests.append(f"SELECT {number + 1}, number, digest FROM links{number}")  # noqa: S608
        return f"{''.join(parts)}, digests AS ({' UNION ALL '.join(digests)})"

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        kwargs.update(
            history_table=self.history_table, key=self.key, columns=self.columns, deleted=self.deleted
        )
        if self.links:
            kwargs["links"] = self.links
        return path, args, kwargs


class HistoryGuard(TriggerConstraint):
    """Triggers on a history table that refuse to change or remove versions, unless it is recorded.

    ``key`` is the primary key column of the history table.
    """

    def __init__(self, *, name: str, key: str = "history_id") -> None:
        super().__init__(name=name)
        self.key = key

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return one trigger per kind of change."""
        fires = {
            "update": "AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
            "delete": "AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows",
            "truncate": "BEFORE TRUNCATE ON {table}",
        }
        return tuple(
            Trigger(
                f"{self.name}_{word}", table, f"{when} FOR EACH STATEMENT", "smartmodels_append_only",
                (self.key,),
            )
            for word, when in fires.items()
        )  # fmt: skip

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        kwargs.update(key=self.key)
        return path, args, kwargs
