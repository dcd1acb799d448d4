"""``manage.py account close EMAIL``: delete a user, keeping what they made."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shared_apps.accounts.models import User
from shared_apps.namespaces.closing import close_account, continue_handovers, plan_closing
from smartmodels.context import Actor, operation
from smartmodels.exceptions import SmartModelsError

__all__ = ["Command"]


class Command(BaseCommand):
    """Close an account, or finish what a closing that was cut off left undone."""

    help = "Close an account: it can no longer be used, and its rows go to the sentinel user."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare ``close EMAIL`` and ``continue``."""
        actions = parser.add_subparsers(dest="action", required=True)
        close = actions.add_parser("close", help="close an account")
        close.add_argument("email")
        close.add_argument("--transfer-to", metavar="EMAIL", help="new owner of what only this account owns")
        close.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")
        resume = actions.add_parser("continue", help="finish hand-overs that were cut off")
        for action in (close, resume):
            action.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, **options: Any) -> None:
        """Run the action; errors say what to do."""
        try:
            with operation(actor=Actor.command(f"account {options['action']}")):
                result = self._close(**options) if options["action"] == "close" else self._continue()
        except SmartModelsError as error:
            raise CommandError(f"{error.message} [{error.code}]") from error
        if options["as_json"]:
            self.stdout.write(json.dumps(result, indent=2))
            return
        for slug, rows in result["rows"].items():
            self.stdout.write(f"{slug:<24} {rows:>8} rows handed over")
        self.stdout.write(result["summary"])

    def _user(self, email: str) -> User:
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError(f"No account has the address {email!r}.")
        return user

    def _close(self, *, email: str, transfer_to: str | None, dry_run: bool, **_: Any) -> dict[str, Any]:
        user = self._user(email)
        heir = self._user(transfer_to) if transfer_to else None
        if dry_run:
            closing = plan_closing(user)
            summary = f"Would close {user.email}; nothing was changed."
            if closing.sole_owner_of:
                summary += f" Only owner of {', '.join(closing.sole_owner_of)}: --transfer-to is needed."
        else:
            closing = close_account(user, transfer_to=heir)
            summary = f"Closed {user.email}: {sum(closing.rows.values())} rows handed over to the sentinel."
        return {**asdict(closing), "dry_run": dry_run, "summary": summary}

    def _continue(self) -> dict[str, Any]:
        rows = continue_handovers()
        return {"rows": rows, "summary": f"{sum(rows.values())} rows handed over."}
