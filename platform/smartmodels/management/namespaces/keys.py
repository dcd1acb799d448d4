"""``manage.py namespace key list|create|rotate|revoke``: the API keys of a namespace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from smartmodels.context import public_scope
from smartmodels.exceptions import NotPermitted
from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.namespaces.changing import told
from smartmodels.management.output import table
from smartmodels.tenancy import life
from smartmodels.tenancy.keys import MARK, KeyRole
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS", "describe_key"]


def describe_key(key: Any, secret: str | None = None) -> dict[str, Any]:
    """Return what is known of a key; the key itself only where it was made just now."""
    known = {
        "prefix": f"{MARK}{key.prefix}",
        "name": key.name,
        "state": key.state_at(timezone.now()),
        "role": str(key.role),
        "scopes": key.scopes,
        "maker": key.maker.email,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
    return known if secret is None else {**known, "key": secret}


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("verb", choices=["list", "create", "rotate", "revoke"], help="What to do.")
    parser.add_argument("slug", help="The namespace's name in its host.")
    parser.add_argument("prefix", nargs="?", help="Which key, such as smk_ab12cd34; for rotate and revoke.")
    parser.add_argument("--maker", metavar="EMAIL", help="For create: whose account it acts on.")
    parser.add_argument("--name", default="", help="For create: what it is for.")
    parser.add_argument("--scope", action="append", default=[], help="For create: may be given repeatedly.")
    parser.add_argument("--role", choices=KeyRole.values, default=KeyRole.MEMBER.value, help="For create.")
    parser.add_argument("--days", type=int, help="For create: expires after so many days.")
    parser.add_argument("--overlap", type=int, default=24, metavar="HOURS", help="For rotate.")


def _maker(email: str) -> Any:
    with public_scope():
        user = (
            get_user_model()._default_manager.filter(email=email.strip().lower().replace("\x00", "")).first()
        )
    if user is None:
        raise NotPermitted(f"There is no account {email!a}: name an owner or admin of the namespace.")
    return user


def _key(command: BaseCommand, options: Options) -> None:
    namespace, verb = find_namespace(options["slug"]), options["verb"]
    if verb == "list":
        with public_scope():
            _list(command, options, [describe_key(key) for key in life.keys_of(namespace)])
        return
    if not (options["maker"] and options["scope"] if verb == "create" else options["prefix"]):
        raise CommandError("Say which key; for `create`, its --name, --maker and --scope.", returncode=2)
    with life.rehearsed(options["dry_run"]):
        known = _change(namespace, options)
    if options["dry_run"]:
        known.pop("key", None)
    say(command, options, {**known, "dry_run": options["dry_run"]}, told(options, _text(known)))


def _change(namespace: Any, options: Options) -> dict[str, Any]:
    if options["verb"] == "create":
        days = options["days"]
        expires_at = None if days is None else timezone.now() + timedelta(days=min(max(days, -1), 10_000))
        return describe_key(
            *life.make_key(
                namespace, _maker(options["maker"]), name=options["name"], scopes=options["scope"],
                role=options["role"], expires_at=expires_at,
            )
        )  # fmt: skip
    key = life.find_key(namespace, options["prefix"])
    if options["verb"] == "revoke":
        return describe_key(life.revoke_key(namespace, key))
    overlap = timedelta(hours=min(max(options["overlap"], -1), 10_000))
    return describe_key(*life.rotate_key(namespace, key, key.maker, overlap=overlap))


def _text(known: dict[str, Any]) -> str:
    text = f"{known['prefix']} ({known['name']}) is {known['state']}."
    return text if "key" not in known else f"{text}\nIt cannot be read again: {known['key']}"


def _list(command: BaseCommand, options: Options, rows: list[dict[str, Any]]) -> None:
    cells = [
        [row["prefix"], row["name"], row["state"], row["role"], " ".join(row["scopes"]), row["maker"]]
        for row in rows
    ]
    headers = ("KEY", "NAME", "STATE", "ROLE", "SCOPES", "MAKER")
    say(command, options, rows, table(headers, cells, {}) if rows else "There are no keys.")


ACTIONS = (Action("key", "the API keys of a namespace", _key, _arguments, slug=False, dry_run=True),)
