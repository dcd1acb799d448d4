"""``manage.py namespace origin list|add|remove``: which pages of other origins may call the API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.namespaces.changing import told
from smartmodels.tenancy import life
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS"]


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("verb", choices=["list", "add", "remove"], help="What to do.")
    parser.add_argument("slug", help="The namespace's name in its host.")
    parser.add_argument("origins", nargs="*", help="Such as https://app.example.org; for add and remove.")


def _origin(command: BaseCommand, options: Options) -> None:
    namespace: Any = find_namespace(options["slug"])
    if options["verb"] != "list":
        if not options["origins"]:
            raise CommandError("Say which origins, such as https://app.example.org.", returncode=2)
        given = {life.known_origin(origin) for origin in options["origins"]}
        before = set(namespace.cors_origins)
        after = before | given if options["verb"] == "add" else before - given
        with life.rehearsed(options["dry_run"]):
            life.set_origins(namespace, after)
    origins = namespace.cors_origins
    text = "\n".join(origins) if origins else f"{namespace.slug} allows no other origin."
    result = {"slug": namespace.slug, "origins": origins, "dry_run": options["dry_run"]}
    say(command, options, result, told(options, text))


ACTIONS = (
    Action(
        "origin", "the web pages that may call a namespace", _origin, _arguments, slug=False, dry_run=True
    ),
)
