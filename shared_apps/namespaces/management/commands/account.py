"""``manage.py account``: delete a user, keeping what they made; bring them back; forget who they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from shared_apps.namespaces.closing import (
    AccountChange,
    anonymise_account,
    anonymise_due,
    close_account,
    continue_handovers,
    plan_anonymising,
    plan_closing,
    plan_restoring,
    restore_account,
)
from shared_apps.namespaces.closing.anonymising import due
from shared_apps.namespaces.closing.describing import describe_account, find_account
from smartmodels.context import Actor, operation
from smartmodels.exceptions import InvalidInput
from smartmodels.management.asking import confirm
from smartmodels.management.output import as_json, facts
from smartmodels.management.refusals import RefusingCommand, command_errors

__all__ = ["Command"]

Options = dict[str, Any]


class Command(RefusingCommand):
    """Close, restore and anonymise accounts, finish what was cut off, and show how an account stands.

    Progress goes to standard error, the result to standard output. What is cut off is finished by the
    worker or by ``account continue``.
    """

    help = "Close, restore or anonymise an account; finish what was cut off; show how an account stands."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one subcommand per action."""
        actions = parser.add_subparsers(dest="action", required=True)
        close = actions.add_parser("close", help="close an account; its rows go to the sentinel")
        close.add_argument("--transfer-to", metavar="EMAIL", help="new owner of what only this account owns")
        restore = actions.add_parser("restore", help="undo the closing, within the grace period")
        anonymise = actions.add_parser("anonymise", help="forget who a closed account was, for good")
        anonymise.add_argument("email", nargs="?", help="address or key of the account")
        anonymise.add_argument("--due", action="store_true", help="every account whose grace period is over")
        show = actions.add_parser("show", help="say how an account stands")
        resume = actions.add_parser("continue", help="finish what was cut off, of one account or of all")
        resume.add_argument("email", nargs="?", help="address or key of the account")
        for action in (close, restore, show):
            action.add_argument("email", help="address or key of the account")
        for action in (close, restore, anonymise):
            action.add_argument(
                "--dry-run", action="store_true", help="say what would happen, change nothing"
            )
            action.add_argument("--yes", action="store_true", help="ask nothing")
        for action in (close, restore, anonymise, show, resume):
            action.add_argument("--json", action="store_true", dest="json", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"]
        run: Callable[[Options], None] = getattr(self, f"_{action}")
        with command_errors(), operation(actor=Actor.command(f"account {action}")):
            run(options)

    # Actions

    def _close(self, options: Options) -> None:
        user = find_account(options["email"])
        heir = find_account(options["transfer_to"]) if options["transfer_to"] else None
        if options["dry_run"]:
            plan = plan_closing(user, transfer_to=heir)
            text = f"Would close {plan.email} and hand over {_rows(plan)}; nothing was changed."
            if plan.sole_owner_of and heir is None:
                text += f" Only owner of {', '.join(plan.sole_owner_of)}: --transfer-to is needed."
            self._changed(options, plan, text)
            return
        done = close_account(user, transfer_to=heir, progress=self._progress(options))
        self._changed(options, done, f"Closed {done.email}: {_rows(done)} handed over to the sentinel.")

    def _restore(self, options: Options) -> None:
        user = find_account(options["email"])
        if options["dry_run"]:
            plan = plan_restoring(user)
            text = (
                f"Would restore {plan.email} with {_rows(plan)} that the sentinel holds; nothing was changed."
            )
            self._changed(options, plan, text)
            return
        done = restore_account(user, progress=self._progress(options))
        self._changed(options, done, f"Restored {done.email}: {_rows(done)} returned.")

    def _anonymise(self, options: Options) -> None:
        if options["due"] == bool(options["email"]):
            raise InvalidInput("Name one account, or say --due for all whose grace period is over.")
        users = due() if options["due"] else [find_account(options["email"])]
        if options["dry_run"]:
            plans = [plan_anonymising(user) for user in users]
            self._many(options, plans, "Would anonymise", "; nothing was changed")
        elif options["due"]:
            self._many(options, anonymise_due(progress=self._progress(options)), "Anonymised", "")
        else:
            plan_anonymising(users[0])
            if not options["yes"]:
                question = f"Nothing brings {users[0].email} back after this. Type the address"
                confirm(self, users[0].email, question, "nothing was changed")
            done = anonymise_account(users[0], progress=self._progress(options))
            self._changed(options, done, f"Anonymised: the account is {done.email} now.")

    def _continue(self, options: Options) -> None:
        user = find_account(options["email"]) if options["email"] else None
        rows = continue_handovers(user, progress=self._progress(options))
        self._say(options, {"rows": rows}, f"{sum(rows.values())} rows done in {len(rows)} namespaces.")

    def _show(self, options: Options) -> None:
        known = describe_account(find_account(options["email"]))
        self._say(options, known, facts({name: _text(value) for name, value in known.items()}, {}))

    # Asking and saying

    def _changed(self, options: Options, change: AccountChange, text: str) -> None:
        if change.left and not options["dry_run"]:
            text += f" Not finished in {', '.join(change.left)}: `account continue` or the worker goes on."
        self._say(options, {"dry_run": options["dry_run"], **asdict(change)}, text)

    def _many(self, options: Options, changes: list[AccountChange], verb: str, rest: str) -> None:
        names = ", ".join(change.email for change in changes) or "nobody"
        result = {"dry_run": options["dry_run"], "accounts": [asdict(change) for change in changes]}
        self._say(options, result, f"{verb} {names}{rest}.")

    def _say(self, options: Options, result: Any, text: str) -> None:
        self.stdout.write(as_json(result) if options["json"] else text)

    def _progress(self, options: Options) -> Callable[[str, int], None]:
        def report(slug: str, rows: int) -> None:
            if options["verbosity"] > 0:
                self.stderr.write(f"  {slug}: {rows} rows", self.style.MIGRATE_LABEL)

        return report


def _rows(change: AccountChange) -> str:
    total = sum(change.rows.values())
    return f"{total} row{'' if total == 1 else 's'}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(_text(each) for each in value) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    return "-" if value is None or value == "" else str(value)
