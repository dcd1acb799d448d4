"""The namespaces of the demo, one per island, and their field data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.demo.cast import BO, DINA, TARA, VIC, Person, account_of, join
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.tenancy.models import State
from smartmodels.tenancy.provisioning import STEPS, provision, resume
from tenant_apps.research.services import FieldRecord, LoadReport, load_field_data

__all__ = ["FIELD_DATA", "ISLANDS", "Island", "load_island", "make_namespace"]

FIELD_DATA = Path(__file__).resolve().parents[3] / "tenant_apps" / "research" / "data" / "penguins_raw.csv"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Island:
    """An island: its namespace's slug, its name in the field data, and who owns the namespace."""

    slug: str
    name: str
    owner: Person


ISLANDS = (
    Island("torgersen", "Torgersen", TARA),
    Island("biscoe", "Biscoe", BO),
    Island("dream", "Dream", DINA),
)

_OF_VIC = ("PAL0910", "Torgersen")
"""The study that Vic brought in before he left."""


def make_namespace(island: Island, progress: Progress) -> bool:
    """Provision the island's namespace, or finish what was cut off; tell whether anything was to do."""
    namespace = Namespace.objects.filter(slug=island.slug).first()
    steps = len(STEPS) + 1
    done = 0

    def step(name: str) -> None:
        nonlocal done
        done += name in STEPS or name == "reserve"
        progress(done - 1, steps)

    with operation(actor=Actor.command("demo")):
        if namespace is None:
            namespace = provision(
                island.slug, name=island.name, owner=account_of(island.owner), progress=step
            )
        elif namespace.state in (State.RESERVED, State.CREATING, State.FAILED):
            namespace = resume(namespace, progress=step)
    return bool(done + join(namespace))


def load_island(island: Island, records: list[FieldRecord], progress: Progress) -> LoadReport:
    """Load the island's records; those of one study as Vic, as long as he has an account."""
    mine = [record for record in records if record.study["island"] == island.name]
    vics = [record for record in mine if record.study_key == _OF_VIC and account_of(VIC).is_active]
    lines = {record.line for record in vics}
    others = [record for record in mine if record.line not in lines]
    report = _load_as(island.owner, island, others, lambda done, total: progress(done, total + 2 * len(vics)))
    if not vics:
        return report
    before = 2 * len(others)
    return report + _load_as(VIC, island, vics, lambda done, total: progress(before + done, before + total))


def _load_as(person: Person, island: Island, records: list[FieldRecord], progress: Progress) -> LoadReport:
    namespace = Namespace.objects.get(slug=island.slug)
    actor = Actor.user(account_of(person))
    with namespace_scope(namespace), operation(actor=actor, reason="field data of the demo"):
        return load_field_data(records, progress=progress)
