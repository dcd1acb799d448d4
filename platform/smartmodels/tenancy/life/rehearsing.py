"""Do something for show: everything is checked as in earnest, and nothing stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

__all__ = ["rehearsed"]


@contextmanager
def rehearsed(dry: bool) -> Iterator[None]:
    """Undo at the end what the block changes, its audit entry included, if ``dry``; else change nothing."""
    if not dry:
        yield
        return
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
