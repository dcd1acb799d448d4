"""Stop serving a namespace for a while: everybody but staff is turned away, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.life.states import HALF_MADE, move
from smartmodels.tenancy.models import get_namespace_model

__all__ = ["begin_maintenance", "end_maintenance", "resume", "serve", "suspend"]

_LONGEST = timedelta(days=366)
_OPENED = {"notice": "", "back_at": None}


def suspend(namespace: Any) -> Any:
    """Stop serving an active namespace; its host answers 503. Repeating it changes nothing.

    Raises NamespaceStateRefused.
    """
    return move(namespace, "suspend", columns=_OPENED)


def resume(namespace: Any) -> Any:
    """Serve a suspended namespace again; repeating it changes nothing. Raises NamespaceStateRefused."""
    return move(namespace, "resume")


def _silent(_: str) -> None:
    """Report to nobody."""


def serve(namespace: Any, *, progress: Callable[[str], None] = _silent) -> Any:
    """Serve a suspended namespace again, or finish one that is half-made.

    Raises what :func:`resume` and :func:`smartmodels.tenancy.provisioning.resume` raise.
    """
    if namespace.state in HALF_MADE:
        return provisioning.resume(namespace, progress=progress)
    return resume(namespace)


def _plain(notice: str) -> str:
    text = notice.strip()
    most = get_namespace_model()._meta.get_field("notice").max_length
    if len(text) > most or not text.replace("\n", " ").isprintable():
        raise InvalidInput(f"A notice is plain text of at most {most} characters.", field="message")
    return text


def begin_maintenance(namespace: Any, *, notice: str = "", lasts: timedelta | None = None) -> Any:
    """Close an active namespace for work on it: its host answers 503 with the notice.

    ``Retry-After`` counts down to the end of ``lasts`` (up to a year), if it is given. Doing it again
    changes the notice. Raises NamespaceStateRefused, and InvalidInput for a notice that cannot be shown.
    """
    back_at: datetime | None = None
    if lasts is not None:
        if not timedelta() < lasts <= _LONGEST:
            raise InvalidInput("Maintenance lasts more than nothing and at most a year.", field="minutes")
        back_at = timezone.now() + lasts
    return move(namespace, "maintenance-on", columns={"notice": _plain(notice), "back_at": back_at})


def end_maintenance(namespace: Any) -> Any:
    """Serve a namespace again that was under maintenance. Raises NamespaceStateRefused."""
    return move(namespace, "maintenance-off", columns=_OPENED)
