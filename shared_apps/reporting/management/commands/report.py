"""``manage.py report``: list the reports, or run one over the namespaces."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from smartmodels.management.output import as_json, table
from smartmodels.management.refusals import RefusingCommand, command_errors
from smartmodels.reports import (
    Report,
    ReportResult,
    all_reports,
    check_path,
    find_report,
    run_report,
    write,
)
from smartmodels.reports.errors import ReportInvalid

Options = dict[str, Any]

_LIST = "list"


class Command(RefusingCommand):
    """Exit codes: 0 done, 1 refused or incomplete (message and code on stderr), 2 wrong usage."""

    help = "List the reports, or run one over all active namespaces and print or write its table."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="Name of a report, such as research.body_mass, or `list`.")
        parser.add_argument(
            "--group-by", metavar="A,B", help="Dimensions, in order; an empty text gives one total."
        )
        parser.add_argument("--namespaces", metavar="A,B", help="Only these; all active ones if not given.")
        parser.add_argument(
            "--out", type=Path, metavar="FILE", help="Write .csv, .xlsx, .parquet, .json or .png."
        )
        parser.add_argument("--json", action="store_true", help="Print JSON instead of a table.")
        parser.add_argument(
            "--skip-broken",
            action="store_true",
            help="Go on without namespaces that cannot be read; they are named.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with command_errors():
            if options["name"] == _LIST:
                self._list(options)
            else:
                self._run(find_report(options["name"]), options)

    def _list(self, options: Options) -> None:
        reports = [
            {
                "name": report.name,
                "title": report.title,
                "group_by": [dimension.name for dimension in report.dimensions],
            }
            for report in all_reports()
        ]
        if options["json"]:
            self.stdout.write(as_json(reports))
            return
        rows = [
            [str(report["name"]), str(report["title"]), ",".join(report["group_by"])] for report in reports
        ]
        self.stdout.write(table(["NAME", "TITLE", "GROUP BY"], rows, {}))

    def _run(self, report: Report, options: Options) -> None:
        # Before the work, so that a slip of the pen does not cost a minute.
        if options["out"] is not None:
            check_path(options["out"])
        result = run_report(
            report,
            group_by=_parts(options["group_by"]),
            namespaces=_named(options["namespaces"]),
            skip_broken=options["skip_broken"],
            progress=self._progress if sys.stderr.isatty() else None,
        )
        for slug, reason in result.skipped.items():
            self.stderr.write(f"Skipped {slug}: {reason}.")
        if options["out"] is not None:
            write(result, options["out"])
        if options["verbosity"] == 0:
            return
        if options["json"]:
            self.stdout.write(as_json(result.as_document()))
        elif options["out"] is not None:
            self.stdout.write(f"{options['out']}: {_summary(result)}")
        else:
            self.stdout.write(_as_table(result))
            self.stdout.write(f"\n{_summary(result)}")

    def _progress(self, done: int, total: int) -> None:
        self.stderr.write(f"\rReading namespaces: {done} of {total}", ending="")
        if done >= total:
            self.stderr.write("\r\033[K", ending="")
        self.stderr.flush()


def _parts(given: str | None) -> list[str] | None:
    """Return the names between commas; None if nothing was given."""
    return None if given is None else [part for name in given.split(",") if (part := name.strip())]


def _named(given: str | None) -> list[str] | None:
    slugs = _parts(given)
    if slugs == []:
        raise ReportInvalid("--namespaces names none: give slugs between commas, or leave it out for all.")
    return slugs


def _summary(result: ReportResult) -> str:
    groups, count = len(result.rows()), len(result.namespaces)
    return (
        f"{groups} group{'' if groups == 1 else 's'} of {result.rows_read:,} rows "
        f"in {count} namespace{'' if count == 1 else 's'}, as of {result.taken_at:%Y-%m-%d %H:%M:%S %Z}"
    )


def _as_table(result: ReportResult) -> str:
    rows = [[_cell(value) for value in row.values()] for row in result.rows()]
    return table([column.upper() for column in result.columns], rows, {})


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    # What people typed must not steer the terminal.
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))
