"""``manage.py smartmodels doctor|in|client``: is all well, commands in a namespace, clients of the API."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from smartmodels.conf import Change
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.management.diagnosis import Diagnosis, Finding, diagnose
from smartmodels.management.output import as_json, table
from smartmodels.management.refusals import RefusingCommand, command_errors
from smartmodels.rest.clients import LANGUAGES, client_source
from smartmodels.rest.documents import openapi_document
from smartmodels.tenancy.provisioning import find_namespace

_LONGEST = 60


class Command(RefusingCommand):
    """``doctor`` ends with exit code 1 when something is wrong, and changes nothing."""

    help = "Say what is wrong with the project, run a command in a namespace, or print a client of the API."
    requires_system_checks = ()  # the doctor runs them, and tells of all

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the actions, each with arguments of its own."""
        actions = parser.add_subparsers(dest="action", required=True)
        about = "Print what to change in the settings, what the checks say and how the database is."
        doctor = actions.add_parser("doctor", help=about, description=about)
        doctor.add_argument("--json", action="store_true", help="Print the result as JSON.")
        about = "Run another command with a namespace bound, as in `smartmodels in acme loaddata rows.json`."
        inside = actions.add_parser("in", help=about, description=about)
        inside.add_argument("slug", help="The namespace's name in its host.")
        inside.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="What to run there.")

        about = "Print a client of the REST API: one typed file, made from the OpenAPI document."
        client = actions.add_parser("client", help=about, description=about)
        client.add_argument(
            "--language", choices=sorted(LANGUAGES), required=True, help="What to write it in."
        )
        client.add_argument("--public", action="store_true", help="Of the public host, which is for staff.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what is asked."""
        if options["action"] == "in":
            self._inside(options["slug"], options["words"])
            return
        if options["action"] == "client":
            urlconf = settings.PUBLIC_URLCONF if options["public"] else settings.ROOT_URLCONF
            title = "the platform's API" if options["public"] else "a namespace's API"
            self.stdout.write(client_source(openapi_document(urlconf, title, ""), options["language"]))
            return
        diagnosis = diagnose()
        as_text = _described(diagnosis) if options["json"] else ""
        self.stdout.write(as_text or self._told(diagnosis))
        if not diagnosis.healthy:
            raise CommandError("Something is wrong: see above. [unhealthy]")

    def _inside(self, slug: str, words: list[str]) -> None:
        if not words:
            raise CommandError("Name the command to run in the namespace. [command-missing]")
        with command_errors():
            namespace = find_namespace(slug)
            with namespace_scope(namespace), operation(actor=Actor.command(words[0])):
                call_command(*words, stdout=self.stdout, stderr=self.stderr)

    def _told(self, diagnosis: Diagnosis) -> str:
        good, bad = self.style.SUCCESS("ok"), self.style.ERROR("wrong")
        parts = [
            f"Settings  {bad if diagnosis.changes else good}",
            *_changes(diagnosis.changes),
            f"Checks    {bad if diagnosis.has_grave_messages else good}",
            *_messages(diagnosis.messages),
            f"Database  {good if all(each.good for each in diagnosis.findings) else bad}",
            table(
                ("WHAT", "STATE", "FOUND"),
                [(each.about, "ok" if each.good else "wrong", each.found) for each in diagnosis.findings],
                {"ok": self.style.SUCCESS, "wrong": self.style.ERROR},
            ),
            *(f"{each.about}: {each.advice}" for each in diagnosis.findings if not each.good),
        ]
        return "\n".join(parts)


def _short(value: Any) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _changes(changes: tuple[Change, ...]) -> list[str]:
    lines = []
    for change in changes:
        lines += [f"  {change.setting}: {change.why}", f"    is        {_short(change.current)}"]
        lines.append(f"    should be {change.proposed}")
    return lines


def _messages(messages: tuple[CheckMessage, ...]) -> list[str]:
    return [f"  {message}".replace("\n", "\n  ") for message in messages]


def _described(diagnosis: Diagnosis) -> str:
    return as_json(
        {
            "healthy": diagnosis.healthy,
            "settings": [
                _as_dict(each, "setting", "current", "proposed", "why") for each in diagnosis.changes
            ],
            "checks": [
                {"id": each.id, "level": each.level, "message": each.msg, "hint": each.hint}
                for each in diagnosis.messages
            ],
            "database": [_as_dict(each, "about", "good", "found", "advice") for each in diagnosis.findings],
        }
    )


def _as_dict(value: Change | Finding, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}
