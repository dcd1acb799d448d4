"""Migrations of one schema and of a fleet of them.

``one_schema`` is Django's way, for provisioning; ``running`` plans once for all schemas that are alike,
records what the first of them is sent and replays it in the others. See docs/decisions/0014.
"""

from smartmodels.tenancy.migrating.one_schema import migrate_namespace, pending, recorded
from smartmodels.tenancy.migrating.states import (
    forget_schema_state,
    note_schema_state,
    read_states,
    rename_schema_state,
)

__all__ = [
    "forget_schema_state",
    "migrate_namespace",
    "note_schema_state",
    "pending",
    "read_states",
    "recorded",
    "rename_schema_state",
]
