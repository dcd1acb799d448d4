"""``manage.py namespace clone|backup|restore``: copies of a namespace, to go on with or to go back to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from smartmodels.management.namespaces.actions import Action, Options, say, tell_step
from smartmodels.management.namespaces.describing import describe
from smartmodels.management.namespaces.owners import owner_for
from smartmodels.management.output import table
from smartmodels.tenancy.names import validate_slug
from smartmodels.tenancy.provisioning import find_namespace
from smartmodels.tenancy.setting_aside import set_aside
from smartmodels.transfer import (
    Wish,
    back_up,
    clone_namespace,
    describe_export,
    list_backups,
    plan_clone,
    plan_export,
    plan_restore,
    restore_as,
    restore_namespace,
)

__all__ = ["ACTIONS"]


def _teller(command: BaseCommand, options: Options) -> Callable[[str], None]:
    return lambda step: tell_step(command, options, step)


# clone


def _clone_arguments(parser: CommandParser) -> None:
    parser.add_argument("into", metavar="NEWSLUG", help="The new namespace's name in its host.")
    parser.add_argument("--name", default="", help="Its title; its slug if not given.")
    parser.add_argument("--owner", metavar="EMAIL", help="Who owns it; an owner of the original by default.")
    parser.add_argument("--anonymise", action="store_true", help="Let nobody be recognised in it.")
    parser.add_argument("--no-files", action="store_true", help="Leave uploaded files behind.")


def _clone(command: BaseCommand, options: Options) -> None:
    source = find_namespace(options["slug"])
    if options["dry_run"]:
        rows = plan_clone(source)
        known: Options = {"dry_run": True, "slug": source.slug, "into": validate_slug(options["into"])}
        text = f"Would copy {sum(rows.values())} rows of {source.slug} into {known['into']}."
        say(command, options, {**known, "rows": rows}, text)
        return
    wish = Wish(owner_for(source, options["owner"]), options["into"], options["name"])
    made = clone_namespace(
        source,
        wish,
        anonymise=options["anonymise"],
        files=not options["no_files"],
        progress=_teller(command, options),
    )
    known = {**describe(made.namespace), "rows": made.rows, "anonymised": made.anonymised,
             "files": made.files, "missing": list(made.missing)}  # fmt: skip
    say(command, options, known, f"{wish.slug} has {made.rows} rows and is served on {known['host']}.")


# backup


def _backup_arguments(parser: CommandParser) -> None:
    parser.add_argument("--list", action="store_true", help="Show the backups there are; make none.")
    parser.add_argument("--no-files", action="store_true", help="Leave uploaded files out.")
    parser.add_argument("--keep", type=int, metavar="N", help="Afterwards keep the N newest only.")


def _backup(command: BaseCommand, options: Options) -> None:
    namespace = find_namespace(options["slug"])
    if options["list"]:
        found = list_backups(namespace)
        cells = [[each.id, filesizeformat(each.bytes)] for each in found]
        text = table(("BACKUP", "SIZE"), cells, {}) if cells else f"{namespace.slug} has no backups."
        say(command, options, [asdict(each) for each in found], text)
        return
    if options["dry_run"]:
        rows = plan_export(namespace)
        known = {"dry_run": True, "slug": namespace.slug, "rows": rows, "there": len(list_backups(namespace))}
        say(command, options, known, f"Would back up {sum(rows.values())} rows of {namespace.slug}.")
        return
    made = back_up(
        namespace,
        keep=options["keep"],
        files=not options["no_files"],
        progress=_teller(command, options),
    )
    text = f"Backup {made.id} of {namespace.slug}: {filesizeformat(made.bytes)}."
    say(command, options, {"slug": namespace.slug, **asdict(made)}, text)


# restore


def _restore_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--backup",
        default="latest",
        metavar="ID",
        help="Its id in `backup --list`; the newest by default.",
    )
    parser.add_argument("--as", dest="into", metavar="NEWSLUG", help="Make a new namespace of it instead.")
    parser.add_argument("--owner", metavar="EMAIL", help="With --as: who owns it; an owner of the original.")
    parser.add_argument("--drop-old", action="store_true", help="Do not keep the rows that are replaced.")


def _restore(command: BaseCommand, options: Options) -> None:
    namespace, tell = find_namespace(options["slug"]), _teller(command, options)
    if options["dry_run"]:
        manifest = plan_restore(namespace, options["backup"], progress=tell)
        known = {"dry_run": True, **describe_export(manifest)}
        say(command, options, known, f"Would bring back {manifest.rows} rows of {namespace.slug}.")
        return
    if options["into"]:
        wish = Wish(owner_for(namespace, options["owner"]), options["into"])
        made = restore_as(namespace, options["backup"], wish, progress=tell)
        text = f"{wish.slug} has {made.rows} rows, as {namespace.slug} had them."
        say(command, options, {**describe(made.namespace), "rows": made.rows}, text)
        return
    done = restore_namespace(namespace, options["backup"], drop_old=options["drop_old"], progress=tell)
    text = f"{namespace.slug} has {done.rows} rows, as they were."
    if done.kept:
        text += f" What it held is kept in schema {done.kept}; --drop-old of a later restore drops it."
    known = {"slug": namespace.slug, "rows": done.rows, "kept": done.kept, "dropped": done.dropped,
             "set_aside": set_aside(namespace)}  # fmt: skip
    say(command, options, known, text)


ACTIONS = (
    Action("clone", "copy a namespace into a new one", _clone, _clone_arguments, dry_run=True),
    Action("backup", "keep a copy of one namespace", _backup, _backup_arguments, dry_run=True),
    Action("restore", "bring a namespace back to a backup", _restore, _restore_arguments, dry_run=True),
)
