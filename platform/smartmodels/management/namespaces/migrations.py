"""``manage.py namespace migrate|status|runs``: the migrations of all namespaces."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.tenancy.migrating.options import MigrationOptions, MigrationReport, SchemaResult
from smartmodels.tenancy.migrating.running import migrate_fleet
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS", "conclude", "fleet_arguments", "fleet_options", "tell_result"]


def fleet_arguments(parser: CommandParser) -> None:
    """Declare how a fleet is migrated."""
    defaults = MigrationOptions()
    parser.add_argument(
        "--canary", type=int, default=0, metavar="N", help="Migrate so many first; go on only if none fails."
    )
    parser.add_argument(
        "--waves", type=int, nargs="+", default=[], metavar="N",
        help="Then so many, and so many, and the rest; nothing follows a wave in which one fails.",
    )  # fmt: skip
    parser.add_argument(
        "--jobs",
        type=int,
        default=defaults.jobs,
        metavar="N",
        help="Schemas at a time (default: %(default)s).",
    )
    parser.add_argument(
        "--lock-timeout", type=float, default=defaults.lock_timeout, metavar="SECONDS",
        help="Wait so long for the lock on a table (default: %(default)s).",
    )  # fmt: skip
    parser.add_argument(
        "--retries", type=int, default=defaults.retries, metavar="N",
        help="Try so often again when a lock was not given (default: %(default)s).",
    )  # fmt: skip


def fleet_options(options: Options, app_label: str | None = None) -> MigrationOptions:
    """Return what was asked for; raise InvalidInput for numbers that make no sense."""
    return MigrationOptions(
        canary=options["canary"], waves=tuple(options["waves"]), jobs=options["jobs"],
        lock_timeout=options["lock_timeout"], retries=options["retries"], app_label=app_label,
    )  # fmt: skip


def _migrate_arguments(parser: CommandParser) -> None:
    parser.add_argument("slug", nargs="*", help="Only these namespaces; all of them if none is named.")
    fleet_arguments(parser)


def tell_result(command: BaseCommand, options: Options, result: SchemaResult, progress: str = "") -> None:
    """Print what came of one namespace; beside JSON on stderr, and with ``--verbosity 0`` failures alone."""
    if options["verbosity"] < 1 and result.error is None:
        return
    stream = command.stderr if options["json"] else command.stdout
    what = result.error or ", ".join(result.applied) or result.note or "nothing to apply"
    style = command.style.ERROR if result.error else command.style.MIGRATE_LABEL
    stream.write(f"  {progress}{result.slug} ({result.seconds:.2f} s): {what}", style)


def conclude(report: MigrationReport) -> None:
    """Raise CommandError, which names them, unless every namespace is up to date."""
    if not report.failed and not report.untried:
        return
    failed = ", ".join(result.slug for result in report.failed)
    left = f" {len(report.untried)} were not tried." if report.untried else ""
    raise CommandError(
        f"{len(report.failed)} of {len(report.results) + len(report.current)} namespaces failed: {failed}."
        f"{left} What succeeded is kept; repair the cause and run it again. [migration-failed]"
    )


def _migrate(command: BaseCommand, options: Options) -> None:
    chosen = [find_namespace(slug) for slug in dict.fromkeys(options["slug"])] or None

    def progress(result: SchemaResult, number: int, count: int) -> None:
        tell_result(command, options, result, f"{number}/{count} ")

    report = migrate_fleet(chosen, options=fleet_options(options), progress=progress)
    say(command, options, report.as_json(), _summary(report))
    conclude(report)


def _summary(report: MigrationReport) -> str:
    counts = f"{len(report.migrated)} migrated, {len(report.current)} were current"
    run = f" (run {report.run})" if report.run else ""
    return f"{counts}, {len(report.failed)} failed, in {report.seconds:.2f} s{run}."


ACTIONS = (
    Action(
        "migrate", "bring the schemas of all namespaces up to date", _migrate, _migrate_arguments, slug=False
    ),
)
