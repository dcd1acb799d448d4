"""The triggers that keep rows from belonging to closed accounts, and the functions they call."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from django.contrib.auth import get_user_model
from django.db.migrations.operations import RunSQL

from smartmodels.ownership.locks import LOCK_CLASS
from smartmodels.ownership.sentinel import sentinel_id
from smartmodels.tenancy.triggers import Trigger, TriggerConstraint, literal, quoted

__all__ = ["CreateOwnerFunctions", "OwnerOpen"]

_FUNCTIONS = (
    "smartmodels_sentinel_fixed()",
    "smartmodels_account_open()",
    "smartmodels_owner_open()",
    "smartmodels_owners_open()",
    "smartmodels_require_open(uuid[])",
    "smartmodels_sentinel()",
)
_CALLED = {"insert": "smartmodels_owners_open", "update": "smartmodels_owner_open"}
_CHANGED = "OLD.owner_id IS DISTINCT FROM NEW.owner_id AND NEW.owner_id <> public.smartmodels_sentinel()"


class OwnerOpen(TriggerConstraint):
    """Triggers that refuse rows whose owner's account is closed (OwnerClosed).

    A change of a row that keeps its owner, or goes to the sentinel, costs a comparison.
    """

    def triggers(self, table: str) -> tuple[Trigger, ...]:
        """Return one trigger for new rows and one for rows that change hands."""
        fires = {
            "insert": "AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
            # A trigger before the row would have PostgreSQL lock each row that is changed, whoever owns it.
            "update": f"AFTER UPDATE OF owner_id ON {{table}} FOR EACH ROW WHEN ({_CHANGED})",
        }
        return tuple(
            Trigger(f"{table[:46]}_owner_{word}", table, when, _CALLED[word]) for word, when in fires.items()
        )


class CreateOwnerFunctions(RunSQL):
    """Create, or bring up to date, the functions of owner.sql.

    They stand once in the public schema, so put this operation into a migration of the app that holds the
    user model, which must have a column ``closed_at``.
    """

    def __init__(self) -> None:
        values = {
            "sentinel": literal(str(sentinel_id())),
            "users": f"public.{quoted(get_user_model()._meta.db_table)}",
            "lock": str(LOCK_CLASS),
        }
        sql = files("smartmodels.ownership").joinpath("owner.sql").read_text()
        for name, value in values.items():
            sql = sql.replace(f"{{{name}}}", value)
        drop = "; ".join(f"DROP FUNCTION IF EXISTS public.{function}" for function in _FUNCTIONS)
        super().__init__(sql=sql, reverse_sql=drop)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__qualname__, [], {})

    def describe(self) -> str:
        return "Create the functions that keep rows from belonging to closed accounts"
