"""``manage.py namespace export|import``: a namespace as a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from smartmodels.context import public_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.management.namespaces.actions import Action, Options, say, tell_step
from smartmodels.management.namespaces.describing import describe
from smartmodels.management.namespaces.owners import owner_account
from smartmodels.tenancy.names import primary_host
from smartmodels.tenancy.provisioning import find_namespace
from smartmodels.transfer import (
    Owners,
    Wish,
    describe_export,
    export_namespace,
    import_namespace,
    new_file,
    plan_export,
    plan_import,
)

__all__ = ["ACTIONS"]


def _export_arguments(parser: CommandParser) -> None:
    parser.add_argument("--out", metavar="FILE", help="Where to write it; <slug>.tar if not given.")
    parser.add_argument("--no-files", action="store_true", help="Leave uploaded files out.")
    parser.add_argument("--members", action="store_true", help="Say who its members are: address and role.")
    parser.add_argument("--force", action="store_true", help="Replace the file if there is one.")


def _export(command: BaseCommand, options: Options) -> None:
    namespace = find_namespace(options["slug"])
    target = Path(options["out"] or f"{namespace.slug}.tar")
    if target.exists() and not options["force"]:
        raise InvalidInput(f"{target} exists already: --force replaces it.", file=str(target))
    if options["dry_run"]:
        known = {"dry_run": True, "slug": namespace.slug, "file": str(target), "rows": plan_export(namespace)}
        say(command, options, known, f"Would write {sum(known['rows'].values())} rows to {target}.")
        return
    with _errors_of(target), new_file(target) as file:
        manifest = export_namespace(
            namespace,
            file,
            files=not options["no_files"],
            members=options["members"],
            progress=lambda step: tell_step(command, options, step),
        )
        size = file.tell()
    known = {"file": str(target), "bytes": size, **describe_export(manifest)}
    text = f"Wrote {manifest.rows} rows of {namespace.slug} to {target} ({size} bytes)."
    if manifest.missing:
        text += f"\nUploaded files that rows name and nobody has: {', '.join(manifest.missing)}."
    say(command, options, known, text)


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path} cannot be used: {os.strerror(error.errno or 0)}.") from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with _errors_of(path):
        file = path.open("rb")
    with file:
        yield file


def _import_arguments(parser: CommandParser) -> None:
    parser.add_argument("file", help="What `namespace export` wrote.")
    parser.add_argument("--slug", dest="new_slug", default="", help="Another slug than the file's.")
    parser.add_argument("--name", default="", help="Another title than the file's.")
    parser.add_argument("--owner", required=True, metavar="EMAIL", help="Who owns the new namespace.")
    parser.add_argument(
        "--owners",
        choices=[each.value for each in Owners],
        default=Owners.CREATE.value,
        help="Accounts that are unknown here: make inactive ones (create), or give what is theirs to the "
        "sentinel (match); sentinel does so with known ones, too. Default: %(default)s.",
    )
    parser.add_argument(
        "--members",
        choices=["match", "none"],
        default="none",
        help="Members that the file names and that have an account here join (match). Default: %(default)s.",
    )


def _import(command: BaseCommand, options: Options) -> None:
    def tell(step: str) -> None:
        tell_step(command, options, step)

    with _opened(Path(options["file"])) as file:
        if options["dry_run"]:
            manifest = plan_import(file, slug=options["new_slug"], progress=tell)
            host = primary_host(options["new_slug"] or manifest.slug)
            known = {"dry_run": True, "host": host, **describe_export(manifest)}
            say(command, options, known, f"Would make {host} with {manifest.rows} rows.")
            return
        with public_scope(), transaction.atomic():
            owner, password = owner_account(options["owner"])
        made = import_namespace(
            file,
            Wish(owner, options["new_slug"], options["name"]),
            owners=Owners(options["owners"]),
            members=options["members"] == "match",
            progress=tell,
        )
    account: dict[str, Any] = {"email": owner.email, "created": password is not None}
    if password is not None:
        account["initial_password"] = password
    known = {**describe(made.namespace), "rows": made.rows, "accounts_made": made.accounts_made,
             "files": made.files, "members": made.members}  # fmt: skip
    text = f"{made.namespace.slug} has {made.rows} rows and is served on {known['host']}."
    if password is not None:
        text += f"\nMade the account {owner.email}; its initial password is {password}"
    say(command, options, {**known, "owner": account}, text)


ACTIONS = (
    Action("export", "write a namespace into one file", _export, _export_arguments, dry_run=True),
    Action(
        "import", "make a namespace of a file that export wrote", _import, _import_arguments,
        slug=False, dry_run=True,
    ),
)  # fmt: skip
