"""The whole verification of a namespace."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from smartmodels.context import current_namespace
from smartmodels.history.evidence.chain import Link, verify_anchors, verify_chain, verify_erasures
from smartmodels.history.evidence.findings import Verification
from smartmodels.history.evidence.living import verify_living
from smartmodels.history.evidence.segments import verify_segments, verify_strays
from smartmodels.history.evidence.snapshots import moment
from smartmodels.history.ledger import anchor_model

__all__ = ["verify"]

_EVER = datetime(1, 1, 1, tzinfo=UTC)


def _silent(_: str) -> None:
    """Report to nobody."""


def verify(
    *,
    since: datetime | None = None,
    anchors: Iterable[Link] = (),
    progress: Callable[[str], None] = _silent,
) -> Verification:
    """Compute again what vouches for the history of the bound namespace, and say what does not hold.

    All statements see one moment, and nothing is written. ``since`` leaves out what was written before;
    ``anchors`` are places of the chain that were kept elsewhere, besides those in the public schema.
    ``progress`` is called with the name of each step when it begins.
    """
    namespace: Any = current_namespace()
    result, began, first = Verification(namespace.slug), time.monotonic(), since or _EVER
    steps: dict[str, Callable[[], None]] = {
        "segments": lambda: verify_segments(result, first),
        "strays": lambda: verify_strays(result, first),
        "erasures": lambda: verify_erasures(result),
        "chain": lambda: verify_chain(result, first),
        "anchors": lambda: verify_anchors(result, {*_noted(namespace), *anchors}),
        "living rows": lambda: verify_living(result),
    }
    with moment():
        for name, step in steps.items():
            progress(name)
            step()
    result.seconds = time.monotonic() - began
    return result


def _noted(namespace: Any) -> Iterable[Link]:
    rows = anchor_model().objects.filter(namespace_id=namespace.pk).values_list("position", "chain")
    return ((position, bytes(chain)) for position, chain in rows)
