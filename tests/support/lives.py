"""What staff does to namespaces, done by the operator."""

from collections.abc import Callable
from typing import Any

from shared_apps.operations.models import AuditEntry
from smartmodels.context import Actor, operation
from smartmodels.tenancy import life


def act(service: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """Call a service as a command does, which is to say with an actor."""
    with operation(actor=Actor.command("tests")):
        return service(*values, **named)


def remove(namespace: Any) -> None:
    """Delete a namespace and purge it at once."""
    act(life.delete, namespace)
    act(life.purge, namespace, now=True)


def audit_of(slug: str) -> list[tuple[str, str]]:
    """What is on record about namespaces of a slug: actions and outcomes, in order."""
    rows = AuditEntry.objects.filter(slug=slug).order_by("id")
    return list(rows.values_list("action", "outcome"))
