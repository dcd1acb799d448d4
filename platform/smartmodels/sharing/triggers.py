"""The triggers that keep the registry equal to the rows, and what else the database does for sharing."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from django.apps import apps
from django.db.migrations.operations import RunSQL

from smartmodels.sharing.covering import keys_above
from smartmodels.sharing.grants import get_event_model, get_grant_model, get_policy_model, get_registry_model
from smartmodels.sharing.registering import label_of
from smartmodels.sharing.registry import LABEL_LENGTH
from smartmodels.tenancy.models import get_membership_model, get_namespace_model
from smartmodels.tenancy.triggers import Trigger, TriggerConstraint, quoted

__all__ = ["CreateSharingFunctions", "Registered"]

_FUNCTIONS = (
    "smartmodels_member_left()",
    "smartmodels_home_state()",
    "smartmodels_grant_followed()",
    "smartmodels_grant_event()",
    "smartmodels_grant_side(record, text, uuid)",
    "smartmodels_grant_step()",
    "smartmodels_cover(uuid, text, text, text[], uuid[])",
    "smartmodels_follow_moved(text, text, text[], uuid[])",
    "smartmodels_above(text[])",
    "smartmodels_moved_sql(text[])",
    "smartmodels_covers(text, text[])",
    "smartmodels_registered_sql(text, text, text, text[])",
    "smartmodels_label(text)",
    "smartmodels_registered()",
)


class Registered(TriggerConstraint):
    """Triggers that tell the registry of shared rows what becomes of rows of the model ``label``.

    ``named_by`` is the column that says what a row is called elsewhere. In a namespace that shares no row of
    the model a changed statement costs one look at an index.

    ``above`` lists the keys by which a row belongs to resources, each as (column, label of those): a row that
    is moved is no longer covered with what it belonged to, and is with what it belongs to from then on. The
    rows of a statement are taken together.
    """

    def __init__(
        self,
        *,
        name: str,
        label: str,
        key: str = "id",
        named_by: str = "",
        above: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(name=name)
        self.label, self.key, self.named_by = label, key, named_by
        self._above = tuple((column, parent) for column, parent in above)
        self._model: Any = None

    @classmethod
    def of(cls, model: Any, name: str, named_by: str) -> Registered:
        """Return the constraint of a model, whose keys are known when all models are."""
        made = cls(name=name, label=label_of(model), key=model._meta.pk.column, named_by=named_by)
        made._model = model
        return made

    @property
    def above(self) -> tuple[tuple[str, str], ...]:
        """Return the keys by which a row belongs to resources."""
        if self._model is None:
            return self._above
        apps.check_models_ready()
        return tuple((field.column, label_of(field.remote_field.model)) for field in keys_above(self._model))

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return one trigger per kind of change; a new row is in no registry yet."""
        fires = {
            "update": "AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
            "delete": "AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows",
            "truncate": "BEFORE TRUNCATE ON {table}",
        }
        arguments = (self.label, self.key, self.named_by)
        above = tuple(word for pair in self.above for word in pair)
        return tuple(
            Trigger(
                f"{table[:46]}_shared_{word}", table, f"{when} FOR EACH STATEMENT", "smartmodels_registered",
                (*arguments, *above) if word == "update" else arguments,
            )
            for word, when in fires.items()
        )  # fmt: skip

    def deconstruct(self) -> Any:
        path, args, kwargs = super().deconstruct()
        kwargs.update(label=self.label, key=self.key, named_by=self.named_by, above=self.above)
        return path, args, kwargs


class CreateSharingFunctions(RunSQL):
    """Create, or bring up to date, the functions and triggers of sharing.sql.

    They stand once in the public schema, so put this operation into a migration of the app that holds the
    grants.
    """

    def __init__(self) -> None:
        grants = get_grant_model()
        values = {
            "grants": grants,
            "registry": get_registry_model(),
            "events": get_event_model(),
            "namespaces": get_namespace_model(),
            "members": get_membership_model(),
            "policies": get_policy_model(),
        }
        sql = files("smartmodels.sharing").joinpath("sharing.sql").read_text()
        drop = "; ".join(f"DROP FUNCTION IF EXISTS public.{function} CASCADE" for function in _FUNCTIONS)
        for name, model in values.items():
            table = f"public.{quoted(model._meta.db_table)}"
            sql, drop = (text.replace(f"{{{name}}}", table) for text in (sql, drop))
        sql = sql.replace("{length}", str(LABEL_LENGTH))
        super().__init__(sql=sql, reverse_sql=drop)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__qualname__, [], {})

    def describe(self) -> str:
        return "Create the functions that keep the registry, the grants and their events true"
