"""Work that makes many objects and lets go of few, without the collector looking at all there are."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_resting"]


@contextmanager
def collector_resting() -> Iterator[None]:
    """Let Python's collector rest for the block.

    Rendering the models of a migration's states makes hundreds of classes, and a third of its time is the
    collector's, which finds nothing. What the block leaves is collected after it; so it is for work done
    once in a run, not once for each schema.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
