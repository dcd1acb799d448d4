"""``manage.py namespace list|show``: what there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.namespaces.describing import describe, summaries
from smartmodels.management.output import facts, table
from smartmodels.tenancy.models import State
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS"]


def _list(command: BaseCommand, options: Options) -> None:
    rows = summaries()
    cells = [
        [
            row["slug"],
            row["name"],
            row["state"],
            row["host"] or "-",
            str(row["members"]),
            row["created_at"][:10],
        ]
        for row in rows
    ]
    headers = ("SLUG", "NAME", "STATE", "HOST", "MEMBERS", "CREATED")
    empty = "There are no namespaces: make one with `manage.py namespace create`."
    say(command, options, rows, table(headers, cells, _paint(command)) if rows else empty)


def _show(command: BaseCommand, options: Options) -> None:
    known = describe(find_namespace(options["slug"]))
    text = {name: _text(value) for name, value in known.items() if name != "host"}
    say(command, options, known, facts(text, _paint(command)))


def _paint(command: BaseCommand) -> dict[str, Callable[[str], str]]:
    if not command.stdout.isatty():
        return {}
    good, fair, bad = command.style.SUCCESS, command.style.WARNING, command.style.ERROR
    bad_states = (State.FAILED, State.DELETED, State.DELETING)
    return {
        str(state): good if state == State.ACTIVE else bad if state in bad_states else fair for state in State
    }


def _text(value: Any) -> str:
    if isinstance(value, list):
        lines = [
            f"{each['email']} ({each['role']})" if isinstance(each, dict) else str(each) for each in value
        ]
        return "\n".join(lines) or "-"
    return "-" if value is None else str(value)


ACTIONS = (
    Action("list", "every namespace", _list, slug=False),
    Action("show", "one namespace: hosts, members, schema, pending migrations, last error", _show),
)
