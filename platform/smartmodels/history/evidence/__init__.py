"""Evidence: whether history is what was written, and how to shorten it without losing the proof."""

from smartmodels.history.evidence.chain import Link, anchor
from smartmodels.history.evidence.erasing import Pruned, erase_versions, prune
from smartmodels.history.evidence.findings import Finding, Verification
from smartmodels.history.evidence.renewing import renew
from smartmodels.history.evidence.verifying import verify

__all__ = [
    "Finding",
    "Link",
    "Pruned",
    "Verification",
    "anchor",
    "erase_versions",
    "prune",
    "renew",
    "verify",
]
