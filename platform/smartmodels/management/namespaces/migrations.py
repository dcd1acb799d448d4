"""``manage.py namespace migrate|status|runs``: the migrations of all namespaces."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.output import facts, table
from smartmodels.tenancy.migrating.options import MigrationOptions, MigrationReport, SchemaResult
from smartmodels.tenancy.migrating.previewing import PlannedGroup, preview_fleet
from smartmodels.tenancy.migrating.running import migrate_fleet
from smartmodels.tenancy.migrating.runs import describe_outcomes, describe_run, find_run, recent_runs
from smartmodels.tenancy.migrating.status import AppStatus, fleet_status
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS", "conclude", "fleet_arguments", "fleet_options", "tell_result"]


_NAMED = 10
"""So many failures are named in one sentence."""


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
    parser.add_argument(
        "--plan", "--dry-run", action="store_true", dest="dry_run",
        help="Print the SQL and the lock that each statement takes; do nothing.",
    )  # fmt: skip


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
    failed = ", ".join(result.slug for result in report.failed[:_NAMED])
    if (more := len(report.failed) - _NAMED) > 0:
        failed += f" and {more} more, which `namespace runs {report.run}` names"
    left = f" {len(report.untried)} were not tried." if report.untried else ""
    raise CommandError(
        f"{len(report.failed)} of {len(report.results) + len(report.current)} namespaces failed: {failed}."
        f"{left} What succeeded is kept; repair the cause and run it again. [migration-failed]"
    )


def _chosen(options: Options) -> list[Any] | None:
    return [find_namespace(slug) for slug in dict.fromkeys(options["slug"])] or None


def _migrate(command: BaseCommand, options: Options) -> None:
    if options["dry_run"]:
        groups = preview_fleet(_chosen(options), options=fleet_options(options))
        found = [group.as_json() for group in groups]
        say(command, options, {"dry_run": True, "groups": found}, _preview(groups))
        return

    def progress(result: SchemaResult, number: int, count: int) -> None:
        tell_result(command, options, result, f"{number}/{count} ")

    report = migrate_fleet(_chosen(options), options=fleet_options(options), progress=progress)
    say(command, options, report.as_json(), _summary(report))
    conclude(report)


def _preview(groups: list[PlannedGroup]) -> str:
    lines = []
    for group in groups:
        lines.append(f"{len(group.namespaces)} namespaces, such as {group.namespaces[0]}:")
        for migration in group.migrations:
            lines.append(f"  {migration.name} ({'replayed' if migration.replayed else 'by Django in each'})")
            lines += [f"    [{each.lock or 'no lock'}] {each.sql}" for each in migration.statements]
    return "\n".join(lines) or "Nothing is to be applied."


def _status(command: BaseCommand, options: Options) -> None:
    rows = fleet_status(_chosen(options), verify=options["verify"])
    labels = sorted({label for row in rows for label in row.apps})
    cells = [
        [
            row.slug,
            row.state,
            *(_cell(row.apps[label]) for label in labels),
            "" if row.noted else "NOTED ANEW",
        ]
        for row in rows
    ]
    headers = ("NAMESPACE", "STATE", *(label.upper() for label in labels), "")
    text = table(headers, cells, {}) if rows else "There are no namespaces."
    say(command, options, [row.as_json() for row in rows], text)
    if options["check"] and any(row.behind for row in rows):
        raise CommandError(f"{sum(row.behind > 0 for row in rows)} namespaces are behind. [namespace-behind]")


def _cell(app: AppStatus) -> str:
    return f"{app.behind} behind" if app.behind else (app.latest or "-").partition("_")[0]


def _status_arguments(parser: CommandParser) -> None:
    parser.add_argument("slug", nargs="*", help="Only these namespaces; all of them if none is named.")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="Read the schemas' own records, too, and mend what is noted wrongly.",
    )
    parser.add_argument("--check", action="store_true", help="Exit with 1 if a namespace is behind.")


def _runs_arguments(parser: CommandParser) -> None:
    parser.add_argument("id", nargs="?", help="Show this run with what came of each namespace.")
    parser.add_argument(
        "--limit", type=int, default=20, metavar="N", help="So many runs (default: %(default)s)."
    )


def _runs(command: BaseCommand, options: Options) -> None:
    if options["id"] is not None:
        run = find_run(options["id"])
        known = {**describe_run(run), "outcomes": describe_outcomes(run)}
        say(command, options, known, _shown_run(known))
        return
    rows = [describe_run(run) for run in recent_runs(options["limit"])]
    headers = ("ID", "STARTED", "BY", "MIGRATED", "FAILED", "SECONDS")
    names = ("id", "started_at", "actor", "migrated", "failed", "seconds")
    cells = [[str("-" if row[name] is None else row[name]) for name in names] for row in rows]
    say(command, options, rows, table(headers, cells, {}) if rows else "Nothing was migrated yet.")


def _shown_run(known: Options) -> str:
    outcomes = known["outcomes"]
    lines = [f"{row['slug']}: {row['migration']} {row['error'] or row['way']}" for row in outcomes]
    values = {name: str(value) for name, value in known.items() if name not in ("outcomes", "namespaces")}
    return facts({**values, "outcomes": "\n".join(lines) or "-"}, {})


def _summary(report: MigrationReport) -> str:
    counts = f"{len(report.migrated)} migrated, {len(report.current)} were current"
    run = f" (run {report.run})" if report.run else ""
    return f"{counts}, {len(report.failed)} failed, in {report.seconds:.2f} s{run}."


ACTIONS = (
    Action(
        "migrate", "bring the schemas of all namespaces up to date", _migrate, _migrate_arguments, slug=False
    ),
    Action("status", "which migrations each namespace has, by app", _status, _status_arguments, slug=False),
    Action("runs", "who migrated what when, and what came of it", _runs, _runs_arguments, slug=False),
)
