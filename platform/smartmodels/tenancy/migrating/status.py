"""What every namespace has and lacks: the matrix of namespaces and apps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from smartmodels.tenancy.migrating.planning import Plans
from smartmodels.tenancy.migrating.running import migratable
from smartmodels.tenancy.migrating.states import SchemaState, disagreements, note_schema_state, read_states
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["AppStatus", "NamespaceStatus", "fleet_status"]


@dataclass(frozen=True, slots=True)
class AppStatus:
    """The newest migration that a schema has of an app, and how many it lacks."""

    latest: str | None
    behind: int


@dataclass(frozen=True, slots=True)
class NamespaceStatus:
    """One row of the matrix. ``noted`` is false where the table of states was wrong, and has been mended."""

    slug: str
    schema: str
    state: str
    behind: int
    apps: dict[str, AppStatus] = field(default_factory=dict)
    noted: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        return asdict(self)


def fleet_status(
    namespaces: Sequence[Any] | None = None, *, verify: bool = False, using: str = "default"
) -> list[NamespaceStatus]:
    """Return what these namespaces, or all with a schema, have and lack, by slug.

    Reads the table of states: four queries, however many namespaces there are. ``verify`` also reads each
    schema's own records, and notes anew what was noted wrongly.
    """
    chosen = migratable(namespaces, using=using)
    schemas = [each.schema_name for each in chosen]
    wrong = set(disagreements(schemas, using=using)) if verify else set()
    for schema in wrong:
        note_schema_state(schema, using=using)
    states, plans = read_states(schemas, using=using), Plans()
    apps: dict[str, dict[str, AppStatus]] = {}
    rows = []
    for each in chosen:
        state = states[each.schema_name]
        if state.fingerprint not in apps:
            apps[state.fingerprint] = _apps(state, plans)
        known = apps[state.fingerprint]
        behind = sum(app.behind for app in known.values())
        rows.append(
            NamespaceStatus(
                each.slug, each.schema_name, str(each.state), behind, known, each.schema_name not in wrong
            )
        )
    return rows


def _apps(state: SchemaState, plans: Plans) -> dict[str, AppStatus]:
    lacking = Counter(name.partition(".")[0] for name in plans.stage(state).names)
    latest = dict(sorted(state.applied))
    return {label: AppStatus(latest.get(label), lacking[label]) for label in sorted(tenant_labels())}
