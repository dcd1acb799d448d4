"""``manage.py namespace create|resume``: make a namespace, or finish one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from smartmodels.context import public_scope
from smartmodels.jobs import find_job
from smartmodels.management.namespaces.actions import Action, Options, say, tell_step
from smartmodels.management.namespaces.changing import told
from smartmodels.management.namespaces.describing import describe
from smartmodels.management.namespaces.owners import owner_account
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.life import rehearsed, serve
from smartmodels.tenancy.life.states import HALF_MADE
from smartmodels.tenancy.names import primary_host

__all__ = ["ACTIONS"]


def _create_arguments(parser: CommandParser) -> None:
    parser.add_argument("--name", help="Title shown to people; the slug if not given.")
    parser.add_argument(
        "--owner", required=True, metavar="EMAIL", help="An account is made if there is none."
    )

    parser.add_argument(
        "--background", action="store_true", help="Only take the slug; a worker does the rest."
    )


def _create(command: BaseCommand, options: Options) -> None:
    slug, dry = options["slug"], options["dry_run"]
    tell_step(command, options, "reserve")
    with public_scope(), transaction.atomic():
        owner, password = owner_account(options["owner"])
        namespace = provisioning.reserve(slug, name=options["name"] or slug, owner=owner)
        account: Options = {"email": owner.email, "created": password is not None}
        job = None
        if options["background"] and not dry:
            # Declared by the app that holds the namespaces; in the transaction that takes the slug.
            making = find_job("namespaces.provision")
            job = making.enqueue(key=str(namespace.pk), namespace=str(namespace.pk))
        transaction.set_rollback(dry)
    if dry:
        plan = {"slug": namespace.slug, "host": primary_host(namespace.slug), "owner": account}
        steps = ["reserve", *provisioning.STEPS]
        say(command, options, {"dry_run": True, **plan, "steps": steps}, f"Would make {plan['host']}.")
        return
    if password is not None:
        account["initial_password"] = password
    # Said before the long part: it cannot be read again if that fails.
    if password is not None and not options["json"]:
        command.stdout.write(f"Made the account {owner.email}; its initial password is {password}")
    if job is not None:
        queued = f"{slug} is reserved; job {job.pk} makes it as soon as a worker is free."
        say(command, options, {**describe(namespace), "owner": account, "job": job.pk}, queued)
        return
    _finish(command, namespace, options)
    say(command, options, {**describe(namespace), "owner": account}, _served(namespace))


def _resume(command: BaseCommand, options: Options) -> None:
    namespace = provisioning.find_namespace(options["slug"])
    if options["dry_run"] and namespace.state in HALF_MADE:
        steps = list(provisioning.STEPS)
        say(command, options, {"dry_run": True, "steps": steps}, f"Would finish {namespace.slug}.")
        return
    with rehearsed(options["dry_run"]):
        _finish(command, namespace, options)
        say(
            command,
            options,
            {**describe(namespace), "dry_run": options["dry_run"]},
            told(options, _served(namespace)),
        )


def _finish(command: BaseCommand, namespace: Any, options: Options) -> None:
    try:
        serve(namespace, progress=lambda step: tell_step(command, options, step))
    except KeyboardInterrupt:
        raise CommandError(
            f"Interrupted. Run `namespace resume {namespace.slug}` to go on or "
            f"`namespace rollback {namespace.slug}` to remove it. [interrupted]",
            returncode=130,
        ) from None


def _served(namespace: Any) -> str:
    return f"{namespace.slug} is {namespace.state} and served on {primary_host(namespace.slug)}."


ACTIONS = (
    Action(
        "create",
        "make a namespace, its schema, its host and its owner's membership",
        _create,
        _create_arguments,
        dry_run=True,
    ),
    Action("resume", "serve a suspended namespace again, or finish a half-made one", _resume, dry_run=True),
)
