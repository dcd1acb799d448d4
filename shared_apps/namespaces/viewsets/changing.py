"""What the endpoints that change a namespace have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smartmodels.context import operation
from smartmodels.rest import Fault, Problem, Refused
from smartmodels.rest.views import reason_of
from smartmodels.tenancy.life import rehearsed

__all__ = ["changing", "require_confirmed", "wish_of"]


def wish_of(serializer: type[Any], request: Any) -> dict[str, Any]:
    """Return what the body asks for; raise ValidationError for what it may not hold."""
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    wish: dict[str, Any] = asked.validated_data
    return wish


def require_confirmed(namespace: Any, confirm: str, what: str) -> None:
    """Raise Refused unless the slug was repeated."""
    if confirm != namespace.slug:
        message = f"Repeat the slug, {namespace.slug}, to {what}."
        raise Refused(
            Problem(400, "not-confirmed", message, (Fault("not-confirmed", message, pointer="/confirm"),))
        )


@contextmanager
def changing(request: Any, *, dry: bool = False) -> Iterator[None]:
    """Do what is asked for the reason in ``X-Reason``, or only look what would come of it."""
    with operation(reason=reason_of(request)), rehearsed(dry):
        yield
