"""``manage.py share grant``: share rows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from smartmodels.context import namespace_scope
from smartmodels.exceptions import RowNotFound
from smartmodels.management.history.asking import key_of, moment_of
from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.shares.telling import as_data, as_table
from smartmodels.models import resource_model
from smartmodels.sharing import GrantEnd, GrantHistory, GrantRole, member_of, share_many, share_with_users
from smartmodels.tenancy.life import rehearsed
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS"]


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("model", metavar="app.model", help="Such as research.study.")
    parser.add_argument("keys", metavar="KEY", nargs="+", help="Keys of rows.")
    whom = parser.add_mutually_exclusive_group(required=True)
    whom.add_argument("--to", dest="targets", metavar="SLUG", action="append",
                      help="A namespace to share with; may be given several times.")  # fmt: skip
    whom.add_argument("--user", dest="users", metavar="EMAIL", action="append",
                      help="In private mode a member; may be given several times.")  # fmt: skip
    parser.add_argument("--role", choices=GrantRole.values, default=GrantRole.VIEW.value)
    parser.add_argument("--expires", metavar="TIME", help="Until then (ISO 8601).")
    parser.add_argument("--below", action="store_true", help="What belongs to the rows, too, now and later.")
    parser.add_argument("--may-reshare", action="store_true", help="It may be passed on, once.")
    parser.add_argument("--history", choices=GrantHistory.values, default=GrantHistory.NONE.value)
    parser.add_argument("--at-end", choices=GrantEnd.values, default=GrantEnd.NONE.value)


def _grant(command: BaseCommand, options: Options) -> None:
    home = find_namespace(options["slug"])
    targets = [find_namespace(slug) for slug in dict.fromkeys(options["targets"] or ())]
    model = resource_model(options["model"])
    keys = [key_of(model, given) for given in dict.fromkeys(options["keys"])]
    with namespace_scope(home), rehearsed(options["dry_run"]):
        rows = model.objects.in_bulk(keys)
        if missing := [key for key in keys if key not in rows]:
            raise RowNotFound(f"There is no {model._meta.verbose_name} {missing[0]} in {home.slug}.")
        shared, whom = (
            (share_many, targets) if targets else (share_with_users, _members(home, options["users"]))
        )
        grants = shared(
            [rows[key] for key in keys], whom, role=options["role"],
            expires_at=moment_of(options["expires"]), covers_below=options["below"],
            may_reshare=options["may_reshare"], history=options["history"], at_end=options["at_end"],
        )  # fmt: skip
    say(command, options, [as_data(grant) for grant in grants], as_table(grants))


def _members(home: Any, given: list[str]) -> list[Any]:
    """Return the members of the home with these addresses or keys; raise RowNotFound for another one."""
    names = list(dict.fromkeys(given))
    found = [member_of(home, each) for each in names]
    if None in found:
        raise RowNotFound(
            f"{names[found.index(None)]} is no member of {home.slug}, or their account is closed."
        )
    return found


ACTIONS = (
    Action("grant", "share rows with others, or with users, on behalf of both sides", _grant, _arguments,
           dry_run=True),
)  # fmt: skip
