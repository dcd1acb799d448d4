"""What an action of ``manage.py history`` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

__all__ = ["Action"]


@dataclass(frozen=True, slots=True)
class Action:
    """One subcommand: its name, one line of help, its arguments, and what runs it.

    ``--json`` and ``--namespace`` (a slug) are every action's; ``run`` is called inside the namespace,
    with an operation open whose actor is the command. Where ``every`` is true the namespace may be left
    out and ``run`` is called once for each; where ``together`` is true as well it is called once, with none
    bound, for all in ``options["namespaces"]``.
    """

    name: str
    help: str
    arguments: Callable[[CommandParser], None]
    run: Callable[[BaseCommand, dict[str, Any]], None]
    every: bool = False
    together: bool = False
