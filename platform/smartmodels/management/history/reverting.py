"""``manage.py history revert``: undo, after looking at what would be done."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from smartmodels.exceptions import InvalidInput
from smartmodels.history import (
    RevertPlan,
    apply_revert,
    plan_revert,
    plan_revert_mark,
    plan_revert_operation,
    plan_revert_user,
    resolve,
)
from smartmodels.history.resolving import STRATEGIES
from smartmodels.management.history.actions import Action
from smartmodels.management.history.asking import key_of, model_of, moment_of, user_of
from smartmodels.management.history.telling import STEPS, counted, plan_as_data, plan_as_text
from smartmodels.management.output import as_json

__all__ = ["ACTIONS"]

Options = dict[str, Any]


def _arguments(parser: CommandParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--version", dest="version_of", nargs=3, metavar=("app.model", "KEY", "N"),
        help="Everything that happened to a row after its version N.",
    )  # fmt: skip
    what.add_argument("--operation", metavar="ID", help="Everything one operation changed.")
    what.add_argument("--user", metavar="EMAIL", help="Everything this account did; needs --since.")
    what.add_argument("--mark", metavar="NAME", help="Everything that happened since a mark.")
    parser.add_argument("--since", metavar="TIME", help="With --user: from this time on (ISO 8601).")
    parser.add_argument("--until", metavar="TIME", help="With --user: before this time.")
    parser.add_argument(
        "--strategy",
        choices=STRATEGIES,
        help="What becomes of conflicts: leave the row out, write over it, or write what is not in dispute.",
    )
    parser.add_argument("--dry-run", action="store_true", help="Show the plan; do nothing.")
    parser.add_argument("--yes", action="store_true", help="Do not ask.")
    parser.add_argument("--reason", help="Why: kept in history.")


def _planned(options: Options) -> RevertPlan:
    if options["user"] is None and (options["since"] or options["until"]):
        raise InvalidInput("--since and --until go with --user.")
    if options["version_of"]:
        label, key, number = options["version_of"]
        model = model_of(label)
        return plan_revert(model(pk=key_of(model, key)), number)
    if options["operation"] is not None:
        return plan_revert_operation(options["operation"])
    if options["mark"] is not None:
        return plan_revert_mark(options["mark"])
    since = moment_of(options["since"])
    if since is None:
        raise InvalidInput("--user needs --since: the time from which on the work is undone.")
    return plan_revert_user(user_of(options["user"]), since, moment_of(options["until"]))


def _confirm(command: BaseCommand, plan: RevertPlan) -> None:
    command.stderr.write(f"This will {counted(plan.counts)}. Type yes to go on: ", ending="")
    command.stderr.flush()
    try:
        typed = input()
    except EOFError:
        typed = ""
    if typed.strip().lower() != "yes":
        raise CommandError("yes was not typed, so nothing was reverted; --yes asks nothing. [not-confirmed]")


def _apply(command: BaseCommand, plan: RevertPlan, options: Options) -> Any:
    def progress(step: str, rows: int) -> None:
        if options["verbosity"] > 0:
            (command.stderr if options["json"] else command.stdout).write(f"  {STEPS[step]}: {rows}")

    if not plan.conflicts and not plan.is_noop and not options["yes"]:
        _confirm(command, plan)
    return apply_revert(plan, reason=options["reason"], progress=progress).operation_id


def _run(command: BaseCommand, options: Options) -> None:
    plan = _planned(options)
    if options["strategy"]:
        plan = resolve(plan, options["strategy"])
    if not options["json"]:
        command.stdout.write(plan_as_text(plan))
    operation_id = None if options["dry_run"] else _apply(command, plan, options)
    if options["json"]:
        outcome = {"applied": operation_id is not None, "operation": operation_id, **plan_as_data(plan)}
        command.stdout.write(as_json(outcome))
    elif operation_id is not None:
        command.stdout.write(
            f"Reverted by operation {operation_id}; `history revert --operation {operation_id}` undoes it."
        )


ACTIONS = (
    Action("revert", "undo changes of a row, an operation, a user, or since a mark", _arguments, _run),
)
