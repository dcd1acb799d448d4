"""The demo from beginning to end."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from config.demo.cast import make_accounts
from config.demo.events import edit_and_revert, leave, share_study
from config.demo.islands import FIELD_DATA, ISLANDS, Island, load_island, make_namespace
from config.demo.refusal import refuse_real_data
from config.demo.report import write_report
from config.demo.screen import Screen, Step
from tenant_apps.research.services import FieldRecord, read_field_data

__all__ = ["Story"]

Told = tuple[bool, str]
"""Whether a step changed anything, and what there is to say of it."""


class Story:
    """Tells every step in order; ``changed`` names those that had anything to do."""

    def __init__(self, folder: Path, screen: Screen) -> None:
        self.changed: list[str] = []
        self._folder = folder
        self._screen = screen

    def tell(self) -> None:
        """Tell the story; telling it again changes nothing. Raises InvalidInput beside real data."""
        refuse_real_data()
        self._tell("tables", lambda _: _migrate())
        self._tell("accounts", lambda _: _accounts())
        records = read_field_data(FIELD_DATA)
        for island in ISLANDS:
            self._settle(island, records)
        self._tell("sharing", lambda _: share_study())
        self._tell("edit and revert", lambda _: edit_and_revert())
        self._tell("account closed", lambda _: leave())
        self._tell("report", lambda _: write_report(self._folder))

    def _settle(self, island: Island, records: list[FieldRecord]) -> None:
        self._tell(f"namespace {island.slug}", lambda step: _provision(island, step))
        self._tell(f"field data {island.slug}", lambda step: _load(island, records, step))

    def _tell(self, name: str, act: Callable[[Step], Told]) -> None:
        with self._screen.step(name) as step:
            changed, step.outcome = act(step)
        if changed:
            self.changed.append(name)


def _migrate() -> Told:
    out = StringIO()
    call_command("migrate", "--json", stdout=out)
    done = json.loads(out.getvalue())
    applied = len(done["public"]["applied"]) + sum(len(each["applied"]) for each in done["namespaces"])
    return bool(applied), f"{applied} migrations applied" if applied else "up to date"


def _accounts() -> Told:
    made = make_accounts()
    return bool(made), f"{made} made" if made else "there already"


def _provision(island: Island, step: Step) -> Told:
    made = make_namespace(island, step.progress)
    return made, "made" if made else "there already"


def _load(island: Island, records: list[FieldRecord], step: Step) -> Told:
    report = load_island(island, records, step.progress)
    counts = report.created if report.changed else report.present
    rows = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return report.changed, f"{rows} {'loaded' if report.changed else 'there already'}"
