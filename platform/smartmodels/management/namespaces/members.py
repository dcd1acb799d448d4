"""``manage.py namespace member list|add|role|remove``: who is a member, and as what."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from smartmodels.context import public_scope
from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.namespaces.changing import told
from smartmodels.management.namespaces.owners import owner_account
from smartmodels.management.output import table
from smartmodels.tenancy import life
from smartmodels.tenancy.errors import MemberNotFound
from smartmodels.tenancy.models import Role
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS", "admit", "describe_member"]


def describe_member(membership: Any) -> dict[str, Any]:
    """Return who it is, since when and as what."""
    return {
        "user": str(membership.user_id),
        "email": membership.user.email,
        "role": str(membership.role),
        "joined_at": membership.joined_at,
    }


def admit(namespace: Any, email: str, role: str) -> tuple[Any, str | None]:
    """Make the account of an address a member, and the account if there is none.

    Returns the membership and the initial password of a new account. Raises what
    :func:`smartmodels.tenancy.life.add_member` and ``owner_account`` raise; then there is no new account.
    """
    user, password = _stored(email), None
    if user is not None:
        # Not in a transaction of ours, so that a refusal is on record.
        membership = life.add_member(namespace, user, role)
    else:
        with public_scope(), transaction.atomic():
            user, password = owner_account(email)
            membership = life.add_member(namespace, user, role)
    membership.refresh_from_db()
    return membership, password


def _stored(email: str) -> Any:
    if "\x00" in email:
        return None
    with public_scope():
        return get_user_model().objects.filter(email=email.strip().lower()).first()


def _account(namespace: Any, email: str) -> Any:
    user = _stored(email)
    if user is None:
        raise MemberNotFound(f"{namespace.slug} has no member {email!r}: see `namespace member list`.")
    return user


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("verb", choices=["list", "add", "role", "remove"], help="What to do.")
    parser.add_argument("slug", help="The namespace's name in its host.")
    parser.add_argument("email", nargs="?", help="Whose account; for all but list.")
    parser.add_argument("--role", choices=Role.values, help="For add (default: member) and role.")


def _member(command: BaseCommand, options: Options) -> None:
    namespace = find_namespace(options["slug"])
    if options["verb"] == "list":
        _list(command, options, [describe_member(row) for row in life.members_of(namespace)])
        return
    if not options["email"] or (options["verb"] == "role" and not options["role"]):
        raise CommandError("Say whose account (e-mail address), and for `role` the --role.", returncode=2)
    with life.rehearsed(options["dry_run"]):
        known = _change(namespace, options)
    text = (
        f"{known['email']} is {'no member' if known.get('removed') else known['role']} of {namespace.slug}."
    )
    if "initial_password" in known:
        text += f"\nMade the account; its initial password is {known['initial_password']}"
    say(command, options, {**known, "dry_run": options["dry_run"]}, told(options, text))


def _change(namespace: Any, options: Options) -> dict[str, Any]:
    verb, email = options["verb"], options["email"]
    if verb == "add":
        membership, password = admit(namespace, email, options["role"] or Role.MEMBER)
        known = describe_member(membership)
        # What was made for show has no password that is worth knowing.
        return known if password is None or options["dry_run"] else {**known, "initial_password": password}
    user = _account(namespace, email)
    if verb == "role":
        return describe_member(life.change_role(namespace, user, options["role"]))
    life.remove_member(namespace, user)
    return {"user": str(user.pk), "email": user.email, "removed": True}


def _list(command: BaseCommand, options: Options, rows: list[dict[str, Any]]) -> None:
    cells = [[row["email"], row["role"], f"{row['joined_at']:%Y-%m-%d}"] for row in rows]
    text = table(("EMAIL", "ROLE", "JOINED"), cells, {}) if rows else "There are no members."
    say(command, options, rows, text)


ACTIONS = (Action("member", "the members of a namespace", _member, _arguments, slug=False, dry_run=True),)
