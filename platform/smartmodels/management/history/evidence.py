"""``manage.py history verify|anchor|prune|check``: proof that history is what was written."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime, parse_duration

from smartmodels.context import namespace_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.history import defects, repair
from smartmodels.history.evidence import Link, Verification, anchor, prune, verify
from smartmodels.management.history.actions import Action
from smartmodels.management.output import as_json, table

__all__ = ["ACTIONS"]

Options = dict[str, Any]
_DAY = timedelta(days=1)


def _each(options: Options) -> Iterator[Any]:
    """Yield each namespace, bound."""
    for namespace in options["namespaces"]:
        with namespace_scope(namespace):
            yield namespace


# Arguments as people write them


def _age(text: str) -> timedelta:
    """Return an age such as 365d, 12h, or as ISO 8601 writes it (P30D)."""
    given = {"d": _DAY, "h": timedelta(hours=1)}.get(text[-1:])
    try:
        age = int(text[:-1]) * given if given else parse_duration(text)
    except (ValueError, OverflowError):
        age = None
    if age is None or age < timedelta(0):
        raise ArgumentTypeError(f"{text!r} is no age: write 365d, 12h or P30D.")
    return age


def _moment(text: str) -> datetime:
    """Return a moment such as 2026-01-31, with or without a time; in the project's time zone by default."""
    try:
        day = parse_date(text)
        found = datetime.combine(day, datetime.min.time()) if day else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no moment: write 2026-01-31 or 2026-01-31T12:00:00Z.")
    return timezone.make_aware(found) if timezone.is_naive(found) else found


def _exported(path: str | None) -> dict[str, tuple[str, Link]]:
    """Return the anchors of a file by the namespace's id: its slug, and the place in its chain."""
    if path is None:
        return {}
    try:
        rows = json.loads(Path(path).read_text())["anchors"]
        return {
            row["namespace"]: (row["slug"], (int(row["position"]), bytes.fromhex(row["chain"])))
            for row in rows
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} holds no anchors that `history anchor --out` wrote: {error}.") from error


# verify


def _verify_arguments(parser: CommandParser) -> None:
    parser.add_argument("--since", type=_moment, metavar="WHEN", help="Leave out what was written before.")
    parser.add_argument("--anchors", metavar="FILE", help="Compare with these anchors, kept elsewhere, too.")


def _verify(command: BaseCommand, options: Options) -> None:
    exported = _exported(options["anchors"])
    results = []
    for namespace in _each(options):
        command.stderr.write(f"{namespace.slug}: ", ending="")
        _, *links = exported.pop(str(namespace.pk), ("",))
        result = verify(
            since=options["since"],
            anchors=links,
            progress=lambda step: command.stderr.write(f"{step} ", ending=""),
        )
        command.stderr.write(f"{result.seconds:.1f} s")
        results.append(result)
        if not options["json"]:
            command.stdout.write(_told(result))
    missing = sorted(slug for slug, _ in exported.values()) if options["namespace"] is None else []
    if options["json"]:
        command.stdout.write(
            as_json({"namespaces": [_as_data(each) for each in results], "missing": missing})
        )
    wrong = sum(len(each.findings) + each.more for each in results)
    gone = f" Anchored, but not here: {', '.join(missing)}." if missing else ""
    if wrong or missing:
        raise CommandError(f"The history is not what was written: {wrong} findings.{gone} [history-tampered]")


def _told(result: Verification) -> str:
    state = "intact" if result.is_intact else "NOT INTACT"
    looked_at = (
        f"{result.namespace}: {result.segments} segments ({result.linked} linked), "
        f"{result.versions} versions, {result.erased} erased or pruned, {result.anchors} anchors: "
        f"{state} ({result.seconds:.1f} s)"
    )
    lines = [looked_at]
    lines += [
        f"  no longer verifiable, since a migration changed the columns: {count} segments of {where}"
        for where, count in sorted(result.unverifiable.items())
    ]
    if result.findings:
        cells = [
            (each.table, "-" if each.version is None else str(each.version), each.row or "-", each.what)
            for each in result.findings
        ]
        lines.append(table(("TABLE", "VERSION", "ROW", "WHAT"), cells, {}))
    if result.more:
        lines.append(f"... and {result.more} more.")
    return "\n".join(lines)


def _as_data(result: Verification) -> Options:
    return {**asdict(result), "intact": result.is_intact, "seconds": round(result.seconds, 3)}


# anchor


def _anchor_arguments(parser: CommandParser) -> None:
    parser.add_argument("--out", metavar="FILE", help="Write the anchors here, to be kept elsewhere.")


def _anchor(command: BaseCommand, options: Options) -> None:
    rows = []
    for namespace in _each(options):
        linked, end = anchor()
        position, chain = end or (0, b"")
        rows.append(
            {
                "namespace": str(namespace.pk), "slug": namespace.slug, "position": position,
                "chain": chain.hex(), "linked": linked,
            }
        )  # fmt: skip
    kept = {"made_at": timezone.now(), "anchors": [row for row in rows if row["position"]]}
    if options["out"] is not None:
        _write(options["out"], as_json(kept))
    if options["json"]:
        command.stdout.write(as_json(rows))
        return
    cells = [
        (row["slug"], str(row["linked"]), str(row["position"]), row["chain"][:16] or "-") for row in rows
    ]
    headers = ("NAMESPACE", "LINKED", "POSITION", "CHAIN")
    command.stdout.write(table(headers, cells, {}) if cells else "There are no namespaces.")


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(f"{text}\n")
    except OSError as error:
        raise InvalidInput(f"The anchors cannot be written to {path}: {error.strerror}.") from error


# prune


def _prune_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--older-than", type=_age, required=True, metavar="AGE", help="How long history is kept: 365d, 12h."
    )
    parser.add_argument("--model", metavar="APP.MODEL", help="Only this one; all if not given.")
    parser.add_argument("--keep-last", type=int, metavar="N", help="Keep at least N versions of every row.")
    parser.add_argument("--dry-run", action="store_true", help="Say what would be done; do nothing.")


def _prune(command: BaseCommand, options: Options) -> None:
    try:
        before = timezone.now() - options["older_than"]
        model = apps.get_model(options["model"]) if options["model"] else None
    except OverflowError as error:
        raise InvalidInput("Nothing is that old: give a smaller age.", field="older_than") from error
    except (LookupError, ValueError) as error:
        raise InvalidInput(
            f"{options['model']!r} is no model: name one as app.model.", field="model"
        ) from error
    results = []
    for namespace in _each(options):
        pruned = prune(before=before, model=model, keep_last=options["keep_last"], dry_run=options["dry_run"])
        results += [(namespace.slug, each) for each in pruned if each.versions or model is not None]
    if options["json"]:
        rows = [{"namespace": slug, **asdict(each)} for slug, each in results]
        command.stdout.write(as_json({"dry_run": options["dry_run"], "before": before, "pruned": rows}))
        return
    cells = [(slug, each.table, str(each.versions), str(each.links)) for slug, each in results]
    headers = ("NAMESPACE", "TABLE", "VERSIONS", "LINKS")
    command.stdout.write(table(headers, cells, {}) if cells else "Nothing is old enough.")


# check


def _check_arguments(parser: CommandParser) -> None:
    parser.add_argument("--repair", action="store_true", help="Install what is missing or different.")


def _check(command: BaseCommand, options: Options) -> None:
    chosen = None if options["namespace"] is None else [each.schema_name for each in options["namespaces"]]
    wrong = defects(chosen)
    repaired = repair(wrong) if options["repair"] else 0
    if options["json"]:
        command.stdout.write(as_json({"repaired": repaired, "defects": [asdict(each) for each in wrong]}))
    else:
        command.stdout.write(
            "\n".join(map(str, wrong)) or "All triggers and functions of history are in place."
        )
    foreign = [each for each in wrong if not each.mendable]
    if foreign and options["repair"]:
        raise CommandError(
            f"Repaired {repaired}. Not changed, since somebody else made them: "
            f"{' '.join(map(str, foreign))} Drop or reset them yourself. [history-not-installed]"
        )
    if wrong and not options["repair"]:
        hint = "`history check --repair` installs them"
        if foreign:
            hint += f", except {len(foreign)} that somebody else made: drop or reset those yourself"
        raise CommandError(
            f"{len(wrong)} triggers or functions of history are not as they should be: "
            f"{hint}. [history-not-installed]"
        )


ACTIONS = (
    Action(
        "verify", "whether history is what was written", _verify_arguments, _verify, every=True, together=True
    ),
    Action(
        "anchor", "chain what was written, and note the end of the chain", _anchor_arguments, _anchor,
        every=True, together=True,
    ),
    Action(
        "prune", "remove old versions, keeping the evidence", _prune_arguments, _prune,
        every=True, together=True,
    ),
    Action(
        "check", "whether the triggers of history are in place", _check_arguments, _check,
        every=True, together=True,
    ),
)  # fmt: skip
