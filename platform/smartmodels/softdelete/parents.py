"""Triggers that keep living rows from pointing at deleted ones, also while the deletion is under way."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from django.apps import apps
from django.db import models
from django.db.migrations.operations import RunSQL
from django.db.models.fields.related import lazy_related_operation

from smartmodels.conf import settings
from smartmodels.softdelete.links import severed_links
from smartmodels.softdelete.relations import Link, in_lock_order, links_above
from smartmodels.tenancy.triggers import AsksNewRows, Trigger, TriggerConstraint, literal, quoted

__all__ = ["RESTORING", "CreateParentsFunction", "LivingParents", "watch_parents"]

RESTORING = "smartmodels.restoring"
"""A setting of a transaction: 'checked' while it revives rows whose parents it holds and knows to live."""

_OF_STATEMENT, _OF_ROW = "smartmodels_living_parents", "smartmodels_living_parent"
_FUNCTIONS = (f"{_OF_STATEMENT}()", f"{_OF_ROW}()", "smartmodels_refuse_parent(text, text, text)")


def _together(queries: Iterable[str]) -> str:
    """Return one query for several, each in parentheses; alone, a query is planned as it stands."""
    first, *others = queries
    # What locks rows cannot be an arm of a union itself.
    return " UNION ALL ".join(f"SELECT * FROM {each} x" for each in (first, *others)) if others else first  # noqa: S608


class _Deferred(Trigger):
    """A trigger that looks at the end of the transaction, when rows may be back in any order."""

    def create_sql(self) -> str:
        return super().create_sql().replace("CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER", 1)


class LivingParents(TriggerConstraint):
    """Triggers that refuse living rows which point at a deleted row (ParentDeleted).

    New rows and changed keys are refused at once, rows that are revived when the transaction ends. A key that
    is written also forgets the links that deletions cut before, so that no restoration ties those again.
    A restoration, which has locked what its rows point at, is not asked again for each of them (RESTORING).

    ``parents`` lists the foreign keys, each as (column, table it points at, key column of that table). New
    rows cost one query per statement, however many they are; a changed row costs one for each key that
    changes, a revived row one, and any other nothing. ``new_rows`` is false where the trigger of another
    constraint asks that one query (:class:`AsksNewRows`).
    """

    def __init__(
        self, *, name: str, parents: tuple[tuple[str, str, str], ...] = (), new_rows: bool = True
    ) -> None:
        super().__init__(name=name)
        self.new_rows = new_rows
        self._parents = tuple((column, table, key) for column, table, key in parents)
        self._links: tuple[Link, ...] = ()

    @classmethod
    def of(cls, name: str, links: tuple[Link, ...]) -> LivingParents:
        """Return the constraint for the foreign keys ``links`` of a model."""
        made = cls(name=name)
        made._links = links
        return made

    @property
    def parents(self) -> tuple[tuple[str, str, str], ...]:
        """Return the foreign keys in the order in which everybody locks rows, so that nobody blocks anybody.

        Only when all models are known it is known which order that is.
        """
        if not self._links:
            return self._parents
        apps.check_models_ready()
        order = in_lock_order({link.parent for link in self._links})
        return tuple(
            (link.field.column, link.parent._meta.db_table, link.parent._meta.pk.column)
            for link in sorted(self._links, key=lambda link: order.index(link.parent))
        )

    def of_new_rows(self, table: str) -> tuple[str, str]:
        """Return the query that ``new_rows`` have to pass, and the same where this is one row."""
        new_rows = "(SELECT n.{column} FROM new_rows n WHERE n.deleted_at IS NULL)"
        # An array rather than a join: it is planned in a third of the time, and this is planned every time.
        many, one = (
            _together(self._refuse(table, *each, among=among) for each in self.parents)
            for among in (f"= ANY (ARRAY{new_rows})", f"= {new_rows}")
        )
        return many, one

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return one trigger for new rows, one for each key that may change and one for revived rows."""
        made = self.all_triggers(table)
        # Where statements are followed instead, nobody else has a trigger that could ask.
        return made if self.new_rows or settings().HISTORY_WRITER == "statement" else made[1:]

    def all_triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return the trigger for new rows, then the others."""
        fires = "AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT"
        query, _ = self.of_new_rows(table)
        made = [Trigger(f"{table[:46]}_parents_i", table, fires, _OF_STATEMENT, (query,))]
        for number, (column, parent, key) in enumerate(self.parents):
            name = quoted(column)
            changed = f"OLD.{name} IS DISTINCT FROM NEW.{name}"
            fires = f"AFTER UPDATE OF {name} ON {{table}} FOR EACH ROW WHEN ({changed})"
            query = self._refuse(
                table, column, parent, key, among="= ($1).{column} AND ($1).deleted_at IS NULL"
            )
            query = self._forget(table, column) + query
            made.append(Trigger(f"{table[:46]}_parents_u{number}", table, fires, _OF_ROW, (query,)))
        return (*made, self._revived(table))

    def _revived(self, table: str) -> Trigger:
        """Return the trigger that looks at a revived row as it is when the transaction ends."""
        own = quoted(self._key_of(table))
        current = f"SELECT n.{{column}} FROM {{schema}}.{quoted(table)} n WHERE n.{own} = ($1).{own}"  # noqa: S608
        among = f"= ({current} AND n.deleted_at IS NULL)"
        query = _together(self._refuse(table, *each, among=among) for each in self.parents)
        fires = (
            "AFTER UPDATE OF deleted_at ON {table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW WHEN (OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL "
            f"AND current_setting({literal(RESTORING)}::text, true) IS DISTINCT FROM 'checked'::text)"
        )
        return _Deferred(f"{table[:46]}_parents_r", table, fires, _OF_ROW, (query,))

    @staticmethod
    def _key_of(table: str) -> str:
        """Return the key column of the table that the triggers stand on."""
        models_ = (model for model in apps.get_models() if model._meta.db_table == table)
        return next((str(model._meta.pk.column) for model in models_), "id")

    @classmethod
    def _forget(cls, table: str, column: str) -> str:
        """Return the beginning of a query that forgets the links cut earlier than this change of the key.

        The change that cuts a link comes from what the link pointed at: that one is remembered.
        """
        return (
            f"WITH forgotten AS (DELETE FROM {{schema}}.{quoted(severed_links()._meta.db_table)} l "  # noqa: S608
            f'WHERE l."table" = {literal(table)} AND l."column" = {literal(column)} '
            f"AND l.row_key = ($1).{quoted(cls._key_of(table))}::text "
            f"AND l.target_key IS DISTINCT FROM ($2).{quoted(column)}::text) "
        )

    @staticmethod
    def _refuse(table: str, column: str, parent: str, key: str, *, among: str) -> str:
        """Return a query that locks what is pointed at and refuses a deleted one.

        A row that somebody else is changing is waited for and then judged as they left it.
        """
        keys = among.replace("{column}", quoted(column))
        refusal = (
            f"public.smartmodels_refuse_parent({literal(table)}, {literal(parent)}, p.{quoted(key)}::text)"
        )
        return (
            f"(SELECT CASE WHEN p.deleted_at IS NOT NULL THEN {refusal} END "  # noqa: S608
            f"FROM {{schema}}.{quoted(parent)} p WHERE p.{quoted(key)} {keys} "
            f"ORDER BY p.{quoted(key)} FOR KEY SHARE)"
        )

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        kwargs.update(parents=self.parents)
        if not self.new_rows:
            kwargs["new_rows"] = False
        return path, args, kwargs


def watch_parents(model: type[models.Model]) -> None:
    """Add the constraint to a model that points at smart models, as soon as all of those are known."""
    targets = {field.remote_field.model for field in model._meta.local_concrete_fields if field.remote_field}
    lazy_related_operation(_add, model, *targets)


def _add(model: Any, *_: Any, **__: Any) -> None:
    links = links_above(model)
    if not links:
        return
    options = model._meta
    name = f"{options.app_label}_{options.model_name}_parents"
    made = LivingParents.of(name, links)
    other = next((each for each in options.constraints if isinstance(each, AsksNewRows)), None)
    if other is not None:
        other.ask_first(lambda: tuple(f"{query}; " for query in made.of_new_rows(options.db_table)))
        made.new_rows = False
    options.constraints = [*options.constraints, made]
    # The autodetector reads only the options that a model declared.
    options.original_attrs["constraints"] = options.constraints


class CreateParentsFunction(RunSQL):
    """Create, or bring up to date, the function that keeps living rows from pointing at deleted ones.

    It stands once in the public schema, so put this operation into a migration of a shared app.
    """

    def __init__(self) -> None:
        super().__init__(
            sql=files("smartmodels.softdelete").joinpath("parents.sql").read_text(),
            reverse_sql="; ".join(f"DROP FUNCTION IF EXISTS public.{each}" for each in _FUNCTIONS),
        )

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (type(self).__qualname__, [], {})

    def describe(self) -> str:
        return "Create the function that keeps living rows from pointing at deleted ones"
