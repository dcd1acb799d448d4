"""``manage.py history show|diff|operations|operation``: look at what happened."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.exceptions import InvalidInput, OperationUnknown, RowNotFound
from smartmodels.history import (
    InOperation,
    Wanted,
    changes_of,
    diff,
    list_operations,
    timeline,
    version_of,
    with_changes,
)
from smartmodels.management.history.actions import Action
from smartmodels.management.history.asking import key_of, model_of, moment_of, operation_of, user_of
from smartmodels.management.history.telling import (
    change_as_data,
    changes_as_text,
    operation_as_data,
    operations_as_text,
    said,
    when,
)
from smartmodels.management.output import as_json, table

__all__ = ["ACTIONS"]

Options = dict[str, Any]

_LIMIT = 50


def row_arguments(parser: CommandParser) -> None:
    """Declare the arguments that name a row."""
    parser.add_argument("model", metavar="app.model", help="A model with a history, such as research.study.")
    parser.add_argument("key", metavar="KEY", help="The row's key.")


def _limit(parser: CommandParser) -> None:
    parser.add_argument("--limit", type=int, default=_LIMIT, help="How many at most, newest first.")


def _bounded(options: Options) -> int:
    limit: int = options["limit"]
    if limit < 1:
        raise InvalidInput("--limit is a whole number from 1 on.")
    return limit


# show


def _show_arguments(parser: CommandParser) -> None:
    row_arguments(parser)
    _limit(parser)


def _show(command: BaseCommand, options: Options) -> None:
    model = model_of(options["model"])
    key, limit = key_of(model, options["key"]), _bounded(options)
    pairs = with_changes(list(timeline(model, key)[: limit + 1]))[:limit]
    if not pairs:
        raise RowNotFound(f"There never was a {model._meta.verbose_name} {key} here.")
    if options["json"]:
        command.stdout.write(as_json([_version_as_data(*pair) for pair in pairs]))
        return
    headers = ("VERSION", "WHEN", "WHAT", "WHO", "CHANGED", "REASON")
    cells = [
        (
            str(version.history_id),
            when(version.history_date),
            version.action,
            said(version.actor_label or ""),
            ", ".join(change.field for change in changes) or "-",
            said(version.history_change_reason) if version.history_change_reason else "-",
        )
        for version, changes in pairs
    ]
    command.stdout.write(table(headers, cells, {}))


def _version_as_data(version: Any, changes: Any) -> Options:
    return {
        "version": version.history_id,
        "at": version.history_date,
        "action": version.action,
        "actor": {"kind": version.actor_kind, "label": version.actor_label, "user": version.history_user_id},
        "operation": version.operation_id,
        "reason": version.history_change_reason,
        "reverted_from": version.reverted_from,
        "changes": [change_as_data(change) for change in changes],
    }


# diff


def _diff_arguments(parser: CommandParser) -> None:
    row_arguments(parser)
    parser.add_argument("old", metavar="OLD", help="The number of a version.")
    parser.add_argument("new", metavar="NEW", help="The number of another version.")


def _diff(command: BaseCommand, options: Options) -> None:
    model = model_of(options["model"])
    key = key_of(model, options["key"])
    old, new = (version_of(model, key, options[name]) for name in ("old", "new"))
    changes = diff(new, old)
    if options["json"]:
        command.stdout.write(as_json([change_as_data(change) for change in changes]))
    else:
        command.stdout.write(changes_as_text(changes) or "No field differs.")


# operations


def _operations_arguments(parser: CommandParser) -> None:
    parser.add_argument("--user", metavar="EMAIL", help="Only what this account did.")
    parser.add_argument("--since", metavar="TIME", help="Only from this time on (ISO 8601).")
    parser.add_argument("--until", metavar="TIME", help="Only before this time.")
    _limit(parser)


def _operations(command: BaseCommand, options: Options) -> None:
    wanted = Wanted(user_of(options["user"]), moment_of(options["since"]), moment_of(options["until"]))
    found = list_operations(wanted, limit=_bounded(options))
    if options["json"]:
        command.stdout.write(as_json([operation_as_data(summary) for summary in found]))
    else:
        command.stdout.write(operations_as_text(found) if found else "There are no such operations.")


# operation


def _operation_arguments(parser: CommandParser) -> None:
    parser.add_argument("id", metavar="ID", help="The operation's id.")


def _operation(command: BaseCommand, options: Options) -> None:
    chosen = InOperation(operation_of(options["id"]))
    found = changes_of(chosen)
    if not found:
        raise OperationUnknown(f"No operation {chosen.id} changed anything here.")
    if options["json"]:
        command.stdout.write(as_json([_row_as_data(row) for row in found]))
        return
    lines = []
    for row in found:
        lines.append(f"{row.kind} {row.model._meta.verbose_name} {said(row.label)} ({row.pk})")
        if row.changes:
            lines.append(changes_as_text(row.changes))
    command.stdout.write("\n".join(lines))


def _row_as_data(row: Any) -> Options:
    return {
        "model": row.model._meta.label_lower,
        "key": row.pk,
        "label": row.label,
        "kind": row.kind,
        "changes": [change_as_data(change) for change in row.changes],
    }


ACTIONS = (
    Action("show", "the versions of a row, newest first", _show_arguments, _show),
    Action("diff", "what differs between two versions of a row", _diff_arguments, _diff),
    Action("operations", "who changed what and when, newest first", _operations_arguments, _operations),
    Action("operation", "what one operation changed", _operation_arguments, _operation),
)
