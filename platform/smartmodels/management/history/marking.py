"""``manage.py history mark|marks``: moments to come back to."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.history import all_marks, delete_mark, mark
from smartmodels.management.history.actions import Action
from smartmodels.management.history.telling import said, when
from smartmodels.management.output import as_json, table

__all__ = ["ACTIONS"]

Options = dict[str, Any]


def _as_data(found: Any) -> Options:
    return {"name": found.name, "at": found.at, "note": found.note, "by": found.created_by_label}


def _mark_arguments(parser: CommandParser) -> None:
    parser.add_argument("name", metavar="NAME", help="What the moment is called, such as 'before import'.")
    parser.add_argument("--note", default="", help="More about it.")


def _mark(command: BaseCommand, options: Options) -> None:
    made = mark(options["name"], options["note"])
    if options["json"]:
        command.stdout.write(as_json(_as_data(made)))
    else:
        command.stdout.write(f"Marked {made.name!r} at {when(made.at)}.")


def _marks_arguments(parser: CommandParser) -> None:
    parser.add_argument("--delete", metavar="NAME", help="Forget this mark; what it marked stays.")


def _marks(command: BaseCommand, options: Options) -> None:
    if options["delete"] is not None:
        delete_mark(options["delete"])
    found = list(all_marks())
    if options["json"]:
        command.stdout.write(as_json([_as_data(each) for each in found]))
        return
    cells = [
        (each.name, when(each.at), said(each.created_by_label), said(each.note) if each.note else "-")
        for each in found
    ]
    headers = ("MARK", "WHEN", "WHO", "NOTE")
    command.stdout.write(table(headers, cells, {}) if found else "There are no marks.")


ACTIONS = (
    Action("mark", "mark this moment under a name", _mark_arguments, _mark),
    Action("marks", "the marks there are, newest first", _marks_arguments, _marks),
)
