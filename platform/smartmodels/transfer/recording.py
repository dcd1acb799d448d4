"""What this room does to namespaces, in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import Error

from smartmodels.exceptions import SmartModelsError
from smartmodels.tenancy.audit import audited

__all__ = ["recording"]


@contextmanager
def recording(action: str, namespace: Any, **details: Any) -> Iterator[None]:
    """Do something that takes several transactions, and write one entry about how it ended."""
    try:
        yield
    except (SmartModelsError, Error) as error:
        with suppress(type(error)), audited(action, namespace, **details):
            raise
        raise
    with audited(action, namespace, **details):
        pass
