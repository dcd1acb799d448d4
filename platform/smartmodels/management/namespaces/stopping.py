"""``manage.py namespace suspend|rollback|delete``: stop serving a namespace, or remove it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from smartmodels.management.asking import confirm
from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.namespaces.describing import describe, size_of
from smartmodels.tenancy import provisioning

__all__ = ["ACTIONS"]


def _suspend(command: BaseCommand, options: Options) -> None:
    namespace = provisioning.find_namespace(options["slug"])
    provisioning.set_suspended(namespace, suspended=True)
    text = f"{namespace.slug} is suspended; `namespace resume` serves it again."
    say(command, options, describe(namespace), text)


def _rollback(command: BaseCommand, options: Options) -> None:
    namespace = provisioning.find_namespace(options["slug"])
    provisioning.require_unfinished(namespace)
    _remove(command, namespace, options, provisioning.rollback)


def _delete_arguments(parser: CommandParser) -> None:
    parser.add_argument("--yes", action="store_true", help="Do not ask for the slug once more.")


def _delete(command: BaseCommand, options: Options) -> None:
    _remove(command, provisioning.find_namespace(options["slug"]), options, provisioning.delete)


def _remove(command: BaseCommand, namespace: Any, options: Options, remove: Callable[[Any], None]) -> None:
    known = {**describe(namespace), "bytes": size_of(namespace)}
    what = (
        f"{namespace.slug}: schema {known['schema']} ({filesizeformat(known['bytes'])}), "
        f"hosts: {len(known['hosts'])}, members: {len(known['members'])}"
    )
    if options["dry_run"]:
        say(command, options, {"dry_run": True, **known}, f"Would remove {what}.")
        return
    if not options.get("yes", True):
        question = f"This removes {what}, for good. Type {namespace.slug}"
        confirm(command, namespace.slug, question, "nothing was removed")
    remove(namespace)
    say(command, options, {"removed": True, **known}, f"Removed {what}.")


ACTIONS = (
    Action("suspend", "stop serving a namespace; nothing is lost", _suspend),
    Action("rollback", "remove a half-made namespace", _rollback, dry_run=True),
    Action(
        "delete", "remove a namespace with all its rows, for good", _delete, _delete_arguments, dry_run=True
    ),
)
