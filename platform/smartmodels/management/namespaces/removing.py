"""``manage.py namespace rollback|delete|undelete|purge``: remove a namespace, or bring it back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from smartmodels.context import operation
from smartmodels.management.asking import confirm
from smartmodels.management.namespaces.actions import Action, Options, say, tell_step
from smartmodels.management.namespaces.changing import because, because_arguments, change, told
from smartmodels.management.namespaces.describing import describe, size_of
from smartmodels.tenancy import life, provisioning

__all__ = ["ACTIONS"]


def _known(namespace: Any) -> tuple[dict[str, Any], str]:
    known = {**describe(namespace), "bytes": size_of(namespace)}
    what = (
        f"{namespace.slug}: schema {known['schema']} ({filesizeformat(known['bytes'])}), "
        f"hosts: {len(known['hosts'])}, members: {len(known['members'])}"
    )
    return known, what


def _confirm(command: BaseCommand, namespace: Any, what: str) -> None:
    confirm(command, namespace.slug, f"{what}. Type {namespace.slug}", "nothing was removed")


def _rollback(command: BaseCommand, options: Options) -> None:
    namespace = provisioning.find_namespace(options["slug"])
    provisioning.require_unfinished(namespace)
    known, what = _known(namespace)
    if options["dry_run"]:
        say(command, options, {"dry_run": True, **known}, f"Would remove {what}.")
        return
    provisioning.rollback(namespace)
    say(command, options, {"removed": True, **known}, f"Removed {what}.")


def _yes_argument(parser: CommandParser) -> None:
    parser.add_argument("--yes", action="store_true", help="Do not ask for the slug once more.")
    because_arguments(parser)


def _delete(command: BaseCommand, options: Options) -> None:
    namespace = provisioning.find_namespace(options["slug"])
    _, what = _known(namespace)
    with operation(reason=options["reason"]), life.rehearsed(options["dry_run"]):
        if not options["yes"] and not options["dry_run"]:
            _confirm(command, namespace, f"This deletes {what}; for a time it can be brought back")
        life.delete(namespace)
        known, _ = _known(namespace)
    until = f"`namespace undelete {namespace.slug}` brings it back until {namespace.purge_after:%Y-%m-%d}."
    say(command, options, {**known, "dry_run": options["dry_run"]}, told(options, f"Deleted {what}. {until}"))


def _undelete(command: BaseCommand, options: Options) -> None:
    change(command, options, life.undelete, "{slug} is back; people log in anew.")


def _purge_arguments(parser: CommandParser) -> None:
    parser.add_argument("--now", action="store_true", help="Do not wait for the end of the grace period.")
    _yes_argument(parser)


def _purge(command: BaseCommand, options: Options) -> None:
    namespace = provisioning.find_namespace(options["slug"])
    life.require_purgeable(namespace, now=options["now"])
    known, what = _known(namespace)
    if options["dry_run"]:
        say(command, options, {"dry_run": True, **known}, f"Would remove {what}.")
        return
    if not options["yes"]:
        _confirm(command, namespace, f"This removes {what}, for good")
    with operation(reason=options["reason"]):
        tables = life.purge(
            namespace,
            now=options["now"],
            progress=lambda gone, of: tell_step(command, options, f"{gone} of {of} tables"),
        )
    say(command, options, {"removed": True, "tables": tables, **known}, f"Removed {what}.")


ACTIONS = (
    Action("rollback", "remove a half-made namespace", _rollback, dry_run=True),
    Action(
        "delete",
        "delete a namespace; for a time it can be brought back",
        _delete,
        _yes_argument,
        dry_run=True,
    ),
    because("undelete", "bring a deleted namespace back", _undelete),
    Action(
        "purge",
        "remove a deleted namespace with all its rows, for good",
        _purge,
        _purge_arguments,
        dry_run=True,
    ),
)
