"""What becomes of grants, told to the namespace that they are for: noted in the same transaction.

Nobody else keeps what happens there: it is no change of a row of the namespace, so no history has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from django.db.migrations.operations import RunSQL

from smartmodels.tenancy.triggers import quoted
from smartmodels.webhooks.models import get_notice_model, get_webhook_model

__all__ = ["CreateNotices", "Described", "next_notices"]

Described = Callable[[Sequence[Any]], list[dict[str, Any]]]
"""Describes events of grants, by their keys in their order; what is gone is left out.

Each says at least its ``resource``, and as ``action`` what happened, such as ``grant.offered``.
"""


def next_notices(webhook: Any, describe: Described, at_once: int) -> tuple[str, list[dict[str, Any]]] | None:
    """Take the next events that the webhook tells of, at most so many and all of one kind.

    Returns the kind and the events, None where nothing is left. Holds the webhook's row.
    """
    while notices := list(webhook.notices.order_by("id")[:at_once]):
        described = describe([each.event_id for each in notices])
        told = {entry["event"]: entry for entry in described if webhook.wants(entry)}
        taken, entries = _of_one_kind(notices, told)
        webhook.notices.filter(pk__in=taken).delete()
        if entries:
            return entries[0]["action"], entries
    return None


def _of_one_kind(notices: Iterable[Any], told: Mapping[Any, Any]) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return the keys of the first notices, and what is told of them: up to the first of another kind."""
    taken: list[Any] = []
    entries: list[dict[str, Any]] = []
    for notice in notices:
        entry = told.get(notice.event_id)
        if entry is not None and entries and entry["action"] != entries[0]["action"]:
            break
        taken.append(notice.pk)
        if entry is not None:
            entries.append(entry)
    return taken, entries


class CreateNotices(RunSQL):
    """Create, or bring up to date, the function of notices.sql.

    Put this operation into a migration of the app that holds the webhooks, before its models.
    """

    def __init__(self) -> None:
        models = {"notices": get_notice_model(), "webhooks": get_webhook_model()}
        sql = files("smartmodels.webhooks").joinpath("notices.sql").read_text()
        for name, model in models.items():
            sql = sql.replace(f"{{{name}}}", f"public.{quoted(model._meta.db_table)}")
        super().__init__(
            sql=sql, reverse_sql="DROP FUNCTION IF EXISTS public.smartmodels_grant_noticed() CASCADE"
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__qualname__, [], {})

    def describe(self) -> str:
        return "Create the function by which webhooks tell of grants"
