"""``manage.py namespace template|spares|janitor|doctor``: keep the making of namespaces quick and exact."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.context import public_scope
from smartmodels.management.namespaces.actions import Action, Options, say, tell_step
from smartmodels.tenancy.models import get_namespace_model
from smartmodels.tenancy.provisioning import expire_reservations, expired, find_namespace
from smartmodels.tenancy.schemas import schema_mark
from smartmodels.tenancy.spares import count_spares, fill_spares
from smartmodels.tenancy.template import (
    code_state,
    differences_of,
    find_template,
    refresh_template,
)

__all__ = ["ACTIONS"]


# The template


def _template_arguments(parser: CommandParser) -> None:
    parser.add_argument("--refresh", action="store_true", help="Migrate and record it anew, from nothing.")


def _template(command: BaseCommand, options: Options) -> None:
    if options["refresh"]:
        refresh_template(progress=lambda step: tell_step(command, options, step))
    template = find_template()
    known: dict[str, Any] = {
        "fingerprint": code_state().fingerprint,
        "recorded": template is not None and template.script != "",
        "error": (template.error if template else "") or None,
        "made_at": template and template.made_at.isoformat(timespec="seconds"),
        "bytes": len(template.script) if template else 0,
    }
    text = f"The template is recorded ({known['bytes']} bytes, {known['made_at']})."
    if not known["recorded"]:
        text = f"The template is not recorded: {known['error'] or 'the next namespace records it.'}"
    say(command, options, known, text)
    if known["error"]:
        raise SystemExit(1)


# Spares


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on.")
    return int(text)


def _spares_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--fill", type=_number, nargs="?", const=-1, metavar="N",
        help="Drop those behind the migrations and make new ones until N are ready "
        "(SMARTMODELS_SPARE_NAMESPACES if N is left out).",
    )  # fmt: skip


def _spares(command: BaseCommand, options: Options) -> None:
    if options["fill"] is None:
        ready = count_spares()
        say(command, options, {"ready": ready}, f"{ready} spare namespaces are ready.")
        return
    report = fill_spares(options["fill"] if options["fill"] >= 0 else None)
    text = f"{report.ready} spare namespaces are ready: {report.made} made, {report.dropped} dropped."
    say(command, options, report.as_dict(), text)


# Reservations


def _janitor(command: BaseCommand, options: Options) -> None:
    if options["dry_run"]:
        slugs = [namespace.slug for namespace in expired()]
        text = f"Would remove {', '.join(slugs)}." if slugs else "Nothing would be removed."
        say(command, options, {"dry_run": True, "expired": slugs}, text)
        return
    slugs = expire_reservations()
    text = f"Removed {', '.join(slugs)}." if slugs else "Nothing to remove."
    say(command, options, {"removed": slugs}, text)


# Schemas


def _doctor_arguments(parser: CommandParser) -> None:
    parser.add_argument("slug", nargs="?", help="The namespace's name in its host; all if left out.")


def _doctor(command: BaseCommand, options: Options) -> None:
    results = [_examined(namespace) for namespace in _patients(options["slug"])]
    lines = [line for result in results for line in _findings(result)]
    say(command, options, results, "\n".join(lines) or "There are no namespaces.")
    if any(result["differences"] for result in results):
        raise SystemExit(1)


def _patients(slug: str | None) -> list[Any]:
    if slug is not None:
        return [find_namespace(slug)]
    with public_scope():
        rows = get_namespace_model().objects.order_by("slug")
        return [namespace for namespace in rows if schema_mark(namespace.schema_name) is not None]


def _examined(namespace: Any) -> dict[str, Any]:
    differences = differences_of(namespace.schema_name)
    return {
        "slug": namespace.slug,
        "schema": namespace.schema_name,
        "differences": [difference.as_dict() for difference in differences],
    }


def _findings(result: dict[str, Any]) -> list[str]:
    if not result["differences"]:
        return [f"{result['slug']}: exactly as the migrations make it."]
    return [f"{result['slug']}: {each['problem']} {each['what']}" for each in result["differences"]]


ACTIONS = (
    Action(
        "template",
        "whether the tables of new namespaces are recorded; record them",
        _template,
        _template_arguments,
        slug=False,
    ),
    Action(
        "spares",
        "how many schemas are ready for new namespaces; make more",
        _spares,
        _spares_arguments,
        slug=False,
    ),
    Action(
        "janitor",
        "remove namespaces that were reserved long ago and never finished",
        _janitor,
        slug=False,
        dry_run=True,
    ),
    Action(
        "doctor",
        "compare schemas with what the migrations make, exactly; exit code 1 if one differs",
        _doctor,
        _doctor_arguments,
        slug=False,
    ),
)
