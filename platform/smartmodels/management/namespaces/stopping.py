"""``manage.py namespace suspend|maintenance|archive|unarchive``: stop serving a namespace for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.management.namespaces.actions import Action, Options
from smartmodels.management.namespaces.changing import because, because_arguments, change
from smartmodels.tenancy import life

__all__ = ["ACTIONS"]


def _suspend(command: BaseCommand, options: Options) -> None:
    change(command, options, life.suspend, "{slug} is suspended; `namespace resume` serves it again.")


def _maintenance_arguments(parser: CommandParser) -> None:
    parser.add_argument("switch", choices=["on", "off"], help="Begin or end it.")
    parser.add_argument("--message", default="", help="What people are told; plain text.")
    parser.add_argument(
        "--minutes", type=float, help="How long it will take, which Retry-After counts down to."
    )
    because_arguments(parser)


def _maintenance(command: BaseCommand, options: Options) -> None:
    if options["switch"] == "off":
        change(command, options, life.end_maintenance, "{slug} is served again.")
        return
    minutes = options["minutes"]

    def begin(namespace: Any) -> Any:
        lasts = None if minutes is None else timedelta(minutes=minutes)
        return life.begin_maintenance(namespace, notice=options["message"], lasts=lasts)

    change(
        command, options, begin, "{slug} is under maintenance; `namespace maintenance {slug} off` ends it."
    )


def _archive(command: BaseCommand, options: Options) -> None:
    change(command, options, life.archive, "{slug} is archived; `namespace unarchive` brings it back.")


def _unarchive(command: BaseCommand, options: Options) -> None:
    change(command, options, life.unarchive, "{slug} is served again.")


ACTIONS = (
    because("suspend", "stop serving a namespace; nothing is lost", _suspend),
    Action(
        "maintenance",
        "close a namespace for work on it, with a message, or open it again",
        _maintenance,
        _maintenance_arguments,
        dry_run=True,
    ),
    because("archive", "put a namespace away with its rows: it is served to nobody", _archive),
    because("unarchive", "serve an archived namespace again", _unarchive),
)
