"""Integrity that no constraint keeps: across schemas, between rows and their history (DESIGN T5).

Each kind of finding is a :class:`Check`; what is safe to repair says how.
"""

from smartmodels.fsck.findings import Check, Finding
from smartmodels.fsck.running import CHECKS, SHARING, Report, check_namespaces

__all__ = ["CHECKS", "SHARING", "Check", "Finding", "Report", "check_namespaces"]
