"""What an action of ``manage.py namespace`` is, and how it speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.management.output import as_json

__all__ = ["Action", "Options", "no_arguments", "say", "tell_step"]

Options = dict[str, Any]


def no_arguments(_: CommandParser) -> None:
    """Declare nothing."""


@dataclass(frozen=True, slots=True)
class Action:
    """One subcommand: its name, one line of help, what runs it, and the arguments that are its own.

    ``--json`` is every action's. ``slug`` gives it a namespace's name as its first argument and ``dry_run``
    the option ``--dry-run``. ``run`` is called with an operation open whose actor is the command.
    """

    name: str
    help: str
    run: Callable[[BaseCommand, Options], None]
    arguments: Callable[[CommandParser], None] = no_arguments
    slug: bool = True
    dry_run: bool = False


def say(command: BaseCommand, options: Options, result: Any, text: str) -> None:
    """Print the result as JSON where that was asked for, else the text."""
    command.stdout.write(as_json(result) if options["json"] else text)


def tell_step(command: BaseCommand, options: Options, step: str) -> None:
    """Print the step that begins; beside JSON on stderr, and not at all with ``--verbosity 0``."""
    if options["verbosity"] > 0:
        (command.stderr if options["json"] else command.stdout).write(
            f"  {step}", command.style.MIGRATE_LABEL
        )
