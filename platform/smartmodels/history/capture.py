"""The triggers that capture history, expressed as model constraints.

So capture is installed by the migration that ``makemigrations`` writes, and re-installed whenever the
columns of the model change.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from smartmodels.conf import settings
from smartmodels.tenancy.triggers import AsksNewRows, Trigger, TriggerConstraint, literal, quoted

__all__ = [
    "HistoryCapture",
    "HistoryGuard",
    "LedgerGuard",
    "Trigger",
    "TriggerConstraint",
    "digest_of",
    "layout_key",
]

# What a history row holds besides the columns of its model: of its own, and of the operation.
_VERSION_COLUMNS = ("history_id", "history_type", "action")
_OPERATION_COLUMNS = (
    "history_date", "segment_id", "operation_id", "history_user_id", "actor_kind", "actor_label",
    "history_change_reason", "via_namespace", "via_grant", "reverted_from",
)  # fmt: skip
_LINK_COLUMNS = ("m2m_history_id", "history_id", "segment_id")


def _listed(columns: tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(prefix + quoted(column) for column in columns)


def digest_of(*groups: str) -> str:
    """Return the SQL of a version's digest, of its columns as SQL lists.

    The last group is hashed by itself, and that digest with the group before: so what is the same in all
    versions that a statement writes is hashed once.
    """
    first, *others = groups
    text = f"convert_to(ROW({first})::text, 'UTF8')"
    return f"sha256({text} || {digest_of(*others)})" if others else f"sha256({text})"


def layout_key(tables: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """Return the id of a layout, which follows from what it says."""
    digest = hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16]))


def _fitting(name: str) -> str:
    """Return the name, shortened to what PostgreSQL keeps of names (63 bytes) but still different."""
    if len(name.encode()) <= 63:
        return name
    return f"{name.encode()[:54].decode(errors='ignore')}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class HistoryCapture(AsksNewRows):
    """Statement-level triggers that write every change of ``columns`` to ``history_table``.

    ``key`` is the primary key column, ``deleted`` the soft-delete column or an empty string. ``links``
    lists the tracked tables of links, each as (table, column that points here, columns, its history
    table): a change of links is a version of the row, and every version keeps the links it had. ``first`` is
    a query that new rows have to pass before their versions are written, and the same for one row.
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
        first: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name=name)
        self._first = tuple(first)
        self.history_table = history_table
        self.key = key
        self.columns = tuple(columns)
        self.deleted = deleted
        self.links = tuple((table, source, tuple(names), history) for table, source, names, history in links)

    @property
    def layout(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Return, for each table that the triggers write, the columns that a digest covers, in its groups."""
        tables = {self.history_table: (_VERSION_COLUMNS + self.columns, _OPERATION_COLUMNS)}
        return tables | {history: (_LINK_COLUMNS + columns,) for _, _, columns, history in self.links}

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return the statements that install the triggers and say what their digests cover."""
        made = super().create_sql(model, schema_editor)
        rest = f"; {made.template}" if self.triggers(model._meta.db_table) else made.template
        made.template = f"{self.layout_sql().replace('%', '%%')}{rest}"
        return made

    def layout_sql(self) -> str:
        """Return the statement that records the layout; where the ledger's tables come later they do it."""
        key, layout = self._layout_key_and_text()
        return (
            "DO $layout$ BEGIN IF to_regclass('ledger_layout') IS NOT NULL THEN "
            "PERFORM public.smartmodels_record_layout("
            f"current_schema(), {literal(key)}, {literal(layout)}); END IF; END $layout$"
        )

    def _layout_key_and_text(self) -> tuple[str, str]:
        return layout_key(self.layout), json.dumps(self.layout, sort_keys=True)

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return the triggers on the table and its tables of links; none where statements are followed."""
        return () if settings().HISTORY_WRITER == "statement" else self.all_triggers(table)

    def writer_arguments(self, table: str) -> tuple[str, ...]:
        """Return what smartmodels_write_versions() is told: as the triggers, and columns of versions."""
        return (*self._arguments(table, ""), _listed(self.columns, "o."))

    def all_triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return the triggers on the table, then those on its tables of links."""
        live = self._arguments(table, "")
        new, old = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
        each = "FOR EACH STATEMENT"
        made = [
            self._trigger(
                table,
                "insert",
                f"AFTER INSERT ON {{table}} REFERENCING {new} {each}",
                (*live, *(self.first or ("", ""))),
            ),
            self._trigger(table, "update", f"AFTER UPDATE ON {{table}} REFERENCING {old} {new} {each}", live),
            self._trigger(table, "delete", f"AFTER DELETE ON {{table}} REFERENCING {old} {each}", live),
            self._trigger(table, "truncate", f"BEFORE TRUNCATE ON {{table}} {each}", live),
            self._trigger(
                table,
                "key",
                f"AFTER UPDATE OF {quoted(self.key)} ON {{table}} FOR EACH ROW "
                f"WHEN (OLD.{quoted(self.key)} IS DISTINCT FROM NEW.{quoted(self.key)})",
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
        return Trigger(_fitting(f"{self.name}_{word}"), table, fires, "smartmodels_capture", arguments)

    def _arguments(self, table: str, source: str) -> tuple[str, ...]:
        key, layout = self._layout_key_and_text()
        new, old = _listed(self.columns, "n."), _listed(self.columns, "o.")
        return (
            self.history_table, table, self.key,
            # As images, not as values: some types have no equality, and to some A equals a.
            _listed(self.columns), new, f"record_image_ne(ROW({new}), ROW({old}))",
            self.deleted, self._copies_of_links(),
            key, _listed(_VERSION_COLUMNS + self.columns), layout, source,
        )  # fmt: skip

    def _copies_of_links(self) -> str:
        """Return the parts of a WITH that copy the links of each row in ``written``; '' without links."""
        if not self.links:
            return ""
        parts, digests = [], ["SELECT 0 AS part, number, digest FROM written"]
        # In the order of their tables' names, so that whoever verifies needs no more than those.
        by_table = sorted(self.links, key=lambda links: links[3])
        for number, (table, source, columns, history) in enumerate(by_table):
            parts.append(
                f", links{number} AS (INSERT INTO {{schema}}.{quoted(history)} "  # noqa: S608
                f"({_listed(columns)}, history_id, segment_id) "
                f"SELECT {_listed(columns, 't.')}, w.number, {{segment}} FROM written w "
                f"JOIN {{schema}}.{quoted(table)} t ON t.{quoted(source)} = w.row_key "
                f"RETURNING m2m_history_id AS number, "
                f"{digest_of(*map(_listed, self.layout[history]))} AS digest)"
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
        if self.first:
            kwargs["first"] = self.first
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
                _fitting(f"{self.name}_{word}"), table, f"{when} FOR EACH STATEMENT",
                "smartmodels_append_only", (self.key,),
            )
            for word, when in fires.items()
        )  # fmt: skip

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        kwargs.update(key=self.key)
        return path, args, kwargs


class LedgerGuard(TriggerConstraint):
    """Triggers on a table of the ledger that refuse to change or remove its rows.

    ``linkable`` names columns that may be set once, all together; then the row is as fixed as any other.
    """

    def __init__(self, *, name: str, fixed: tuple[str, ...] = (), linkable: tuple[str, ...] = ()) -> None:
        super().__init__(name=name)
        self.fixed, self.linkable = tuple(fixed), tuple(linkable)

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return one trigger per kind of change."""
        fires = {
            "update": f"BEFORE UPDATE ON {{table}} {self._when_changed()}",
            "delete": "BEFORE DELETE ON {table} FOR EACH STATEMENT",
            "truncate": "BEFORE TRUNCATE ON {table} FOR EACH STATEMENT",
        }
        return tuple(
            Trigger(_fitting(f"{self.name}_{word}"), table, when, "smartmodels_ledger")
            for word, when in fires.items()
        )

    def _when_changed(self) -> str:
        if not self.linkable:
            return "FOR EACH STATEMENT"
        refused = [f"record_image_ne(ROW({_listed(self.fixed, 'OLD.')}), ROW({_listed(self.fixed, 'NEW.')}))"]
        refused += [f"OLD.{quoted(name)} IS NOT NULL" for name in self.linkable]
        refused += [f"NEW.{quoted(name)} IS NULL" for name in self.linkable]
        return f"FOR EACH ROW WHEN ({' OR '.join(refused)})"

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        if self.linkable:
            kwargs.update(fixed=self.fixed, linkable=self.linkable)
        return path, args, kwargs
