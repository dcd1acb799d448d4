"""``manage.py namespace rename``: another slug and host; the old host leads to the new one."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.management.namespaces.actions import Action, Options
from smartmodels.management.namespaces.changing import because_arguments, change
from smartmodels.tenancy import life

__all__ = ["ACTIONS"]


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("new_slug", help="The name that it gets.")
    because_arguments(parser)


def _rename(command: BaseCommand, options: Options) -> None:
    wanted = options["new_slug"]
    change(
        command,
        options,
        lambda namespace: life.rename(namespace, wanted),
        f"{options['slug']} is {{slug}} now; its old host leads to the new one.",
        find=lambda: life.find_renamed(options["slug"], wanted),
    )


ACTIONS = (Action("rename", "give a namespace another slug and host", _rename, _arguments, dry_run=True),)
