"""What staff does to selected rows of the lists of namespaces and hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages

from smartmodels.exceptions import SmartModelsError
from smartmodels.tenancy import life

__all__ = ["HOST_ACTIONS", "NAMESPACE_ACTIONS", "apply"]

_Service = Callable[[Any], Any]


def apply(model_admin: Any, request: Any, rows: Any, service: _Service) -> None:
    """Call the service for each row and say what came of it."""
    for row in rows:
        try:
            service(row)
        except SmartModelsError as error:
            model_admin.message_user(request, error.message, messages.ERROR)
        else:
            row.refresh_from_db()
            model_admin.message_user(request, f"{row} is {row.state}.", messages.SUCCESS)


def _action(name: str, description: str, service: _Service) -> Any:
    def run(model_admin: Any, request: Any, queryset: Any) -> None:
        apply(model_admin, request, queryset, service)

    run.__name__ = name
    return admin.action(description=description, permissions=["change"])(run)


NAMESPACE_ACTIONS = (
    _action("suspend", "Suspend the selected namespaces", life.suspend),
    _action("resume", "Resume or finish the selected namespaces", life.serve),
    _action("begin_maintenance", "Begin maintenance of the selected namespaces", life.begin_maintenance),
    _action("end_maintenance", "End maintenance of the selected namespaces", life.end_maintenance),
    _action("archive", "Archive the selected namespaces", life.archive),
    _action("unarchive", "Unarchive the selected namespaces", life.unarchive),
    _action("undelete", "Undelete the selected namespaces", life.undelete),
)

HOST_ACTIONS = (
    _action(
        "verify",
        "Look for the proof of the selected hosts",
        lambda row: life.verify_domain(row.tenant, row.domain),
    ),
    _action(
        "prefer",
        "Make the selected host the primary one",
        lambda row: life.make_primary(row.tenant, row.domain),
    ),
)
