"""``manage.py share expire|copies``: what is done when grants, or homes, end."""

from __future__ import annotations

from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError, CommandParser

from smartmodels.management.namespaces.actions import Action, Options, say, tell_step
from smartmodels.sharing import Copied, copy_promised, expire_grants, homes_to_copy
from smartmodels.tenancy.life import rehearsed
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS"]


def _expire(command: BaseCommand, options: Options) -> None:
    with rehearsed(options["dry_run"]):
        count = expire_grants()
    say(command, options, {"expired": count, "dry_run": options["dry_run"]}, f"{count} grants expired.")


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("slug", nargs="?", help="One deleted home; all that owe copies if not given.")


def _copies(command: BaseCommand, options: Options) -> None:
    homes = homes_to_copy() if options["slug"] is None else [find_namespace(options["slug"])]
    done: dict[str, Copied] = {}
    for home in homes:
        tell_step(command, options, home.slug)
        with rehearsed(options["dry_run"]):
            done[home.slug] = copy_promised(home)
    data = {slug: asdict(each) for slug, each in done.items()}
    lines = [
        f"{slug}: {each.made} copies made, {len(each.refused)} impossible, {len(each.left)} targets wait."
        for slug, each in done.items()
    ]
    say(command, options, data, "\n".join(lines) or "No copies are owed.")
    refused = sum(len(each.refused) for each in done.values())
    left = sum(len(each.left) for each in done.values())
    if refused or left:
        raise CommandError(
            f"{refused} copies cannot be made, as their grants say; {left} namespaces wait for theirs. "
            "[copies-refused]"
        )


ACTIONS = (
    Action("expire", "end grants and offers whose time is over", _expire, slug=False, dry_run=True),
    Action("copies", "make the copies that homes which go have promised", _copies, _arguments, slug=False,
           dry_run=True),
)  # fmt: skip
