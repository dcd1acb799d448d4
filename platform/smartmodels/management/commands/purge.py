"""``manage.py purge``: remove deleted rows for good, in some namespaces or all."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from smartmodels.context import Actor, namespace_scope, operation, public_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.management.output import as_json, table
from smartmodels.management.refusals import RefusingCommand, command_errors
from smartmodels.softdelete.purging import Purge, expired, purge_expired, retention_of, smart_models
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.placement import is_tenant_model

Options = dict[str, Any]
Found = list[tuple[Any, list[Purge]]]

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def period(text: str) -> timedelta:
    """Return the time that ``30d``, ``12h`` or ``4w`` stand for; raise ArgumentTypeError for other text."""
    said = re.fullmatch(r"(\d{1,6})([hdw])", text)
    if said is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no period: say 12h, 30d or 4w.")
    return timedelta(**{_UNITS[said[2]]: int(said[1])})


class Command(RefusingCommand):
    """Exit codes: 0 done, 1 refused (message and code on stderr), 2 wrong usage."""

    help = "Remove rows for good that were deleted longer ago than their model keeps them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare which rows, and how to answer."""
        parser.add_argument(
            "--namespace", action="append", metavar="SLUG", help="Only this one; may be repeated."
        )
        parser.add_argument(
            "--model", action="append", metavar="APP.MODEL", help="Only this one; may be repeated."
        )
        parser.add_argument(
            "--older-than",
            type=period,
            metavar="30d",
            help="Instead of each model's retention: 12h, 30d, 4w.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would be removed; remove nothing."
        )
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        with command_errors(), operation(actor=Actor.command("purge")):
            models = _models(options)
            namespaces = _namespaces(options["namespace"])
            if not options["dry_run"] and not options["yes"]:
                self._confirm(namespaces, models, options)
            found = [(each, self._purge(each, models, options)) for each in namespaces]
            self._say(found, options)

    def _purge(self, namespace: Any, models: list[Any], options: Options) -> list[Purge]:
        def progress(model: Any, number: int) -> None:
            if options["verbosity"] > 0:
                line = f"  {namespace.slug}: {number} {model._meta.verbose_name_plural} looked at"
                self.stderr.write(line, self.style.MIGRATE_LABEL)

        with namespace_scope(namespace):
            if not options["dry_run"]:
                return purge_expired(models, older_than=options["older_than"], progress=progress)
            # What protects a row may be removed first, so only doing it tells what would be done.
            with transaction.atomic():
                found = purge_expired(models, older_than=options["older_than"], progress=progress)
                transaction.set_rollback(True)
            return found

    def _confirm(self, namespaces: list[Any], models: list[Any], options: Options) -> None:
        count = 0
        for namespace in namespaces:
            with namespace_scope(namespace):
                count += sum(expired(model, older_than=options["older_than"]).count() for model in models)
        if not count:
            return
        where = f"{len(namespaces)} namespace{'' if len(namespaces) == 1 else 's'}"
        self.stderr.write(
            f"This removes {count} deleted rows of {where}, for good. Type yes to go on: ", ending=""
        )
        self.stderr.flush()
        try:
            typed = input()
        except EOFError:
            typed = ""
        if typed.strip() != "yes":
            raise CommandError("Nothing was removed; --yes asks nothing. [not-confirmed]")

    def _say(self, found: Found, options: Options) -> None:
        lines = [
            _line(namespace, purged)
            for namespace, all_purged in found
            for purged in all_purged
            if _did(purged)
        ]
        if options["json"]:
            self.stdout.write(as_json({"dry_run": options["dry_run"], "purged": lines}))
        elif not lines:
            self.stdout.write("No deleted rows have expired.")
        else:
            cells = [
                [
                    line["namespace"],
                    line["model"],
                    str(line["removed"]),
                    _counts(line["with_them"]),
                    str(line["protected"]),
                    _counts(line["protected_by"]),
                ]
                for line in lines
            ]
            removed = "WOULD REMOVE" if options["dry_run"] else "REMOVED"
            headers = ("NAMESPACE", "MODEL", removed, "WITH THEM", "PROTECTED", "BY")
            self.stdout.write(table(headers, cells, {}))


def _did(purged: Purge) -> bool:
    return bool(purged.removed or purged.protected)


def _line(namespace: Any, purged: Purge) -> dict[str, Any]:
    others = {model: number for model, number in purged.removed.items() if model is not purged.model}
    return {
        "namespace": namespace.slug,
        "model": purged.model._meta.label_lower,
        "removed": purged.removed.get(purged.model, 0),
        "with_them": {model._meta.label_lower: number for model, number in others.items()},
        "protected": len(purged.protected),
        "protected_by": {model._meta.label_lower: number for model, number in purged.protected_by.items()},
    }


def _counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {label}" for label, number in numbers.items()) or "-"


def _models(options: Options) -> list[Any]:
    """Return the models that are asked for; those that keep deleted rows forever must be asked for."""
    known = {model._meta.label_lower: model for model in smart_models() if is_tenant_model(model)}
    names = options["model"]
    if names is None:
        return list(known.values())
    models = []
    for name in names:
        model = known.get(name.lower())
        if model is None:
            choices = ", ".join(sorted(known))
            raise InvalidInput(f"{name!r} is no model with deleted rows: choose from {choices}.")
        if retention_of(model) is None and options["older_than"] is None:
            raise InvalidInput(
                f"{name} keeps deleted rows: say --older-than, or declare a retention in its class Smart."
            )
        models.append(model)
    return models


def _namespaces(slugs: list[str] | None) -> list[Any]:
    if slugs is not None:
        return [provisioning.find_namespace(slug) for slug in dict.fromkeys(slugs)]
    with public_scope():
        return list(get_namespace_model().objects.filter(state=State.ACTIVE).order_by("slug"))
