"""``manage.py namespace``: make, look at, suspend, resume and remove namespaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.template.defaultfilters import filesizeformat

from smartmodels.context import Actor, operation, public_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.management.namespaces import describe, owner_account, size_of, summaries
from smartmodels.management.output import as_json, facts, table
from smartmodels.management.refusals import command_errors
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.models import State
from smartmodels.tenancy.names import primary_host

Options = dict[str, Any]

ACTIONS = {
    "create": "make a namespace, its schema, its host and its owner's membership",
    "list": "every namespace",
    "show": "one namespace: hosts, members, schema, pending migrations, last error",
    "suspend": "stop serving a namespace; nothing is lost",
    "resume": "serve a suspended namespace again, or finish a half-made one",
    "rollback": "remove a half-made namespace",
    "delete": "remove a namespace with all its rows, for good",
}
DRY = ("create", "rollback", "delete")


class Command(BaseCommand):
    """Exit codes: 0 done, 1 refused (message and code on stderr), 2 wrong usage."""

    help = "Make, look at, suspend, resume and remove namespaces."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar=" | ".join(ACTIONS))
        for name, about in ACTIONS.items():
            action = actions.add_parser(name, help=about, description=about.capitalize() + ".")
            action.add_argument("--json", action="store_true", help="Print the result as JSON.")
            if name != "list":
                action.add_argument("slug", help="The namespace's name in its host.")
            if name in DRY:
                action.add_argument(
                    "--dry-run", action="store_true", help="Say what would be done; do nothing."
                )
            if name == "create":
                action.add_argument("--name", help="Title shown to people; the slug if not given.")
                action.add_argument(
                    "--owner", required=True, metavar="EMAIL", help="An account is made if there is none."
                )
            if name == "delete":
                action.add_argument("--yes", action="store_true", help="Do not ask for the slug once more.")

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"]
        run: Callable[[Options], None] = getattr(self, f"_{action}")
        with command_errors(), operation(actor=Actor.command(f"namespace {action}")):
            run(options)

    # Making

    def _create(self, options: Options) -> None:
        slug, dry = options["slug"], options["dry_run"]
        self._progress("reserve", options)
        with public_scope(), transaction.atomic():
            owner, password = owner_account(options["owner"])
            namespace = provisioning.reserve(slug, name=options["name"] or slug, owner=owner)
            account: Options = {"email": owner.email, "created": password is not None}
            transaction.set_rollback(dry)
        if dry:
            plan = {"slug": namespace.slug, "host": primary_host(namespace.slug), "owner": account}
            steps = ["reserve", *provisioning.STEPS]
            self._say(options, {"dry_run": True, **plan, "steps": steps}, f"Would make {plan['host']}.")
            return
        if password is not None:
            account["initial_password"] = password
        # Said before the long part: it cannot be read again if that fails.
        if password is not None and not options["json"]:
            self.stdout.write(f"Made the account {owner.email}; its initial password is {password}")
        self._finish(namespace, options)
        self._say(options, {**describe(namespace), "owner": account}, self._served(namespace))

    def _resume(self, options: Options) -> None:
        namespace = provisioning.find_namespace(options["slug"])
        if namespace.state == State.SUSPENDED:
            provisioning.set_suspended(namespace, suspended=False)
        else:
            self._finish(namespace, options)
        if namespace.state != State.ACTIVE:
            raise InvalidInput(
                f"Namespace {namespace.slug!r} is {namespace.state}: "
                "only a suspended or half-made one can be resumed."
            )
        self._say(options, describe(namespace), self._served(namespace))

    def _finish(self, namespace: Any, options: Options) -> None:
        try:
            provisioning.resume(namespace, progress=lambda step: self._progress(step, options))
        except KeyboardInterrupt:
            raise CommandError(
                f"Interrupted. Run `namespace resume {namespace.slug}` to go on or "
                f"`namespace rollback {namespace.slug}` to remove it. [interrupted]",
                returncode=130,
            ) from None

    # Looking

    def _list(self, options: Options) -> None:
        rows = summaries()
        cells = [
            [
                row["slug"],
                row["name"],
                row["state"],
                row["host"] or "-",
                str(row["members"]),
                row["created_at"],
            ]
            for row in rows
        ]
        headers = ("SLUG", "NAME", "STATE", "HOST", "MEMBERS", "CREATED")
        empty = "There are no namespaces: make one with `manage.py namespace create`."
        self._say(options, rows, table(headers, cells, self._paint()) if rows else empty)

    def _show(self, options: Options) -> None:
        known = describe(provisioning.find_namespace(options["slug"]))
        text = {name: _text(value) for name, value in known.items() if name != "host"}
        self._say(options, known, facts(text, self._paint()))

    # Stopping and removing

    def _suspend(self, options: Options) -> None:
        namespace = provisioning.find_namespace(options["slug"])
        provisioning.set_suspended(namespace, suspended=True)
        self._say(
            options,
            describe(namespace),
            f"{namespace.slug} is suspended; `namespace resume` serves it again.",
        )

    def _rollback(self, options: Options) -> None:
        self._remove(options, provisioning.rollback)

    def _delete(self, options: Options) -> None:
        self._remove(options, provisioning.delete)

    def _remove(self, options: Options, remove: Callable[[Any], None]) -> None:
        namespace = provisioning.find_namespace(options["slug"])
        known = {**describe(namespace), "bytes": size_of(namespace)}
        what = (
            f"{namespace.slug}: schema {known['schema']} ({filesizeformat(known['bytes'])}), "
            f"hosts: {len(known['hosts'])}, members: {len(known['members'])}"
        )
        if options["dry_run"]:
            if options["action"] == "rollback":
                provisioning.require_unfinished(namespace)
            self._say(options, {"dry_run": True, **known}, f"Would remove {what}.")
            return
        if options["action"] == "delete" and not options["yes"]:
            self._confirm(namespace.slug, what)
        remove(namespace)
        self._say(options, {"removed": True, **known}, f"Removed {what}.")

    def _confirm(self, slug: str, what: str) -> None:
        self.stderr.write(f"This removes {what}, for good. Type {slug} to go on: ", ending="")
        self.stderr.flush()
        try:
            typed = input()
        except EOFError:
            typed = ""
        if typed.strip() != slug:
            raise CommandError(
                f"{slug} was not typed, so nothing was removed; --yes asks nothing. [not-confirmed]"
            )

    # Saying

    def _say(self, options: Options, result: Any, text: str) -> None:
        self.stdout.write(as_json(result) if options["json"] else text)

    def _progress(self, step: str, options: Options) -> None:
        if options["verbosity"] > 0:
            (self.stderr if options["json"] else self.stdout).write(f"  {step}", self.style.MIGRATE_LABEL)

    @staticmethod
    def _served(namespace: Any) -> str:
        return f"{namespace.slug} is {namespace.state} and served on {primary_host(namespace.slug)}."

    def _paint(self) -> dict[str, Callable[[str], str]]:
        if not self.stdout.isatty():
            return {}
        good, fair, bad = self.style.SUCCESS, self.style.WARNING, self.style.ERROR
        bad_states = (State.FAILED, State.DELETING)
        return {
            str(state): good if state == State.ACTIVE else bad if state in bad_states else fair
            for state in State
        }


def _text(value: Any) -> str:
    if isinstance(value, list):
        lines = [
            f"{each['email']} ({each['role']})" if isinstance(each, dict) else str(each) for each in value
        ]
        return "\n".join(lines) or "-"
    return "-" if value is None else str(value)
