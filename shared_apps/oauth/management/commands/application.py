"""``manage.py application list|register|remove SLUG``: the applications of a namespace."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from shared_apps.oauth.services import GRANTS, applications_of, register_application, remove_application
from smartmodels.context import Actor, operation, public_scope
from smartmodels.exceptions import NotPermitted
from smartmodels.management.output import as_json, table
from smartmodels.management.refusals import RefusingCommand, command_errors
from smartmodels.tenancy.keys import KeyRole
from smartmodels.tenancy.life import rehearsed
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["Command"]


def _described(row: Any) -> dict[str, Any]:
    return {
        "client_id": row.client_id,
        "name": row.name,
        "grant": row.authorization_grant_type,
        "redirect_uris": row.redirect_uris.split(),
        "role": str(row.role),
        "scopes": row.scopes,
        "created_at": row.created,
    }


def _account(email: str) -> Any:
    with public_scope():
        found = get_user_model()._default_manager.filter(email=email.lower().replace("\x00", "")).first()
    if found is None:
        raise NotPermitted(f"There is no account {email!a}: name an owner or admin of the namespace.")
    return found


class Command(RefusingCommand):
    """Exit codes: 0 done, 1 refused (message and code on stderr), 2 wrong usage."""

    help = "Register applications that members of a namespace may let in, list them, remove them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verb, the namespace, and what a registration says."""
        parser.add_argument("verb", choices=["list", "register", "remove"], help="What to do.")
        parser.add_argument("slug", help="The namespace's name in its host.")
        parser.add_argument("client_id", nargs="?", help="Which application; for remove.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be done; do nothing.")
        parser.add_argument("--maker", metavar="EMAIL", help="For register: whose it is.")
        parser.add_argument("--name", default="", help="For register: what people read.")
        parser.add_argument("--scope", action="append", default=[], help="May be given repeatedly.")
        parser.add_argument("--grant", choices=GRANTS, default=GRANTS[0], help="How it gets its tokens.")
        parser.add_argument("--redirect", action="append", default=[], help="Where people are sent back to.")
        parser.add_argument("--role", choices=KeyRole.values, default=KeyRole.MEMBER.value)
        parser.add_argument("--public", action="store_true", help="It can keep no secret.")

    def handle(self, *args: Any, **options: Any) -> None:
        with command_errors(), operation(actor=Actor.command(f"application {options['verb']}")):
            namespace: Any = find_namespace(options["slug"])
            if options["verb"] == "list":
                self._list(namespace, options)
            else:
                self._change(namespace, options)

    def _list(self, namespace: Any, options: dict[str, Any]) -> None:
        with public_scope():
            rows = [_described(row) for row in applications_of(namespace)]
        cells = [[row["client_id"], row["name"], row["grant"], " ".join(row["scopes"])] for row in rows]
        text = table(("CLIENT ID", "NAME", "GRANT", "SCOPES"), cells, {}) if rows else "There are none."
        self.stdout.write(as_json(rows) if options["json"] else text)

    def _change(self, namespace: Any, options: dict[str, Any]) -> None:
        removes = options["verb"] == "remove"
        if not (options["client_id"] if removes else options["maker"]):
            raise CommandError("Say which application; for `register`, its --maker.", returncode=2)
        with rehearsed(options["dry_run"]):
            known = self._remove(namespace, options) if removes else self._register(namespace, options)
        known["dry_run"] = options["dry_run"]
        lines = (f"{name}: {value}" for name, value in known.items())
        self.stdout.write(as_json(known) if options["json"] else "\n".join(lines))

    @staticmethod
    def _remove(namespace: Any, options: dict[str, Any]) -> dict[str, Any]:
        remove_application(namespace, options["client_id"])
        return {"client_id": options["client_id"], "removed": True}

    @staticmethod
    def _register(namespace: Any, options: dict[str, Any]) -> dict[str, Any]:
        row, secret = register_application(
            namespace, _account(options["maker"]), name=options["name"], scopes=options["scope"],
            grant=options["grant"], redirect_uris=options["redirect"], role=options["role"],
            public=options["public"],
        )  # fmt: skip
        known = _described(row)
        return known if options["dry_run"] else {**known, "client_secret": secret}
