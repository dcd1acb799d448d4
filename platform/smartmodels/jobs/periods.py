"""Periodic jobs, queued ahead of their time."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from smartmodels.context import operation, public_scope
from smartmodels.jobs.declaring import declared
from smartmodels.jobs.queueing import enqueue_locked

__all__ = ["enqueue_periodic"]


def enqueue_periodic(queues: Collection[str]) -> list[Any]:
    """Queue every periodic job of these queues that does not wait already; return the records."""
    with public_scope(), operation(nested=False):
        return [
            enqueue_locked(wanted.name, wanted.queue, {}, lock=wanted.name)
            for wanted in declared().values()
            if wanted.every is not None and wanted.queue in queues
        ]
