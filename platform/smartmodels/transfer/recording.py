"""The one place that every change by this room passes: who did what to which namespace."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from smartmodels.context import current_operation

__all__ = ["recording"]

logger = logging.getLogger("smartmodels.transfer")


@contextmanager
def recording(action: str, slug: str, **details: object) -> Iterator[None]:
    """Note that the block did ``action`` to the namespace, or failed to; an audit table hooks in here."""
    opened = current_operation()
    actor = opened.actor.label if opened is not None else "nobody"
    try:
        yield
    except Exception as error:
        logger.warning("%s of %s by %s failed: %s %s", action, slug, actor, error, details)
        raise
    logger.info("%s of %s by %s: done %s", action, slug, actor, details)
