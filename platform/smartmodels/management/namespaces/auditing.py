"""``manage.py namespace audit``: what was done to namespaces."""

from __future__ import annotations

import argparse
from textwrap import wrap
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.context import public_scope
from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.tenancy.audit import entries, said_by

__all__ = ["ACTIONS"]

_MOST = 1000
_WIDTH = 80


def _number(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if not 1 <= number <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {_MOST}.")
    return number


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("slug", nargs="?", help="Only what was done to namespaces of this slug.")
    parser.add_argument(
        "--limit", type=_number, default=50, help="How many entries, newest first (default: %(default)s)."
    )


def _audit(command: BaseCommand, options: Options) -> None:
    with public_scope():
        found = list(entries(slug=options["slug"])[: options["limit"]])
        rows = [_row(entry, who) for entry, who in zip(found, said_by(found), strict=True)]
    nothing = (
        f"Nothing was done to a namespace {options['slug']!r}."
        if options["slug"]
        else "Nothing was done yet."
    )
    say(command, options, rows, "\n".join(line for row in rows for line in _lines(row)) or nothing)


def _lines(row: dict[str, Any]) -> list[str]:
    """Return an entry in lines that fit a terminal: when, where, what, by whom; below, what was said."""
    indent = " " * 21
    first = (
        f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['slug']}  {row['action']} {row['outcome']} by {row['actor']}"
    )
    return [
        *wrap(first, _WIDTH, subsequent_indent=indent),
        *wrap(row["said"], _WIDTH, initial_indent=indent, subsequent_indent=indent),
    ]


def _row(entry: Any, who: str) -> dict[str, Any]:
    details = ", ".join(f"{name}: {value}" for name, value in entry.details.items())
    return {
        "at": entry.at,
        "slug": entry.slug,
        "namespace": str(entry.namespace_id),
        "action": entry.action,
        "outcome": entry.outcome,
        "actor": who,
        "operation": str(entry.operation_id),
        "subject": entry.subject_id and str(entry.subject_id),
        "reason": entry.reason,
        "details": entry.details,
        "message": entry.message,
        "said": entry.message or details,
    }


ACTIONS = (Action("audit", "what was done to namespaces, newest first", _audit, _arguments, slug=False),)
