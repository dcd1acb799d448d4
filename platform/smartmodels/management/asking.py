"""Ask the person at the keyboard before what cannot be undone."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

__all__ = ["confirm"]


def confirm(command: BaseCommand, word: str, question: str, unchanged: str) -> None:
    """Ask for ``word`` to be typed; for anything else raise CommandError, which says ``unchanged``."""
    command.stderr.write(f"{question} to go on: ", ending="")
    command.stderr.flush()
    try:
        typed = input()
    except EOFError:
        typed = ""
    if typed.strip() != word:
        raise CommandError(f"{word} was not typed, so {unchanged}; --yes asks nothing. [not-confirmed]")
