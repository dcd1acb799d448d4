"""What a verification found, and how much it looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["MOST_FINDINGS", "Finding", "Verification"]

MOST_FINDINGS = 1_000
"""How many findings are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: in which table, with which version of which row, and what.

    ``code`` is stable: edited, removed, inserted, segment, chain, anchor, erasure or live.
    """

    code: str
    table: str
    what: str
    version: int | None = None
    row: str | None = None


@dataclass(slots=True)
class Verification:
    """The result for one namespace.

    ``segments``, ``versions`` (of links, too), ``erased`` and ``linked`` say how many were looked at;
    ``unverifiable`` is how many segments cover a column that a migration dropped or changed since, by
    table: that is no tampering, but nothing can be said about them any more. ``seconds`` is how long it took.
    """

    namespace: str
    segments: int = 0
    versions: int = 0
    erased: int = 0
    linked: int = 0
    anchors: int = 0
    seconds: float = 0.0
    unverifiable: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    more: int = 0

    @property
    def is_intact(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings

    @property
    def is_full(self) -> bool:
        """Tell whether no further finding is named, only counted."""
        return len(self.findings) >= MOST_FINDINGS

    def add(self, finding: Finding) -> None:
        """Take a finding; beyond :data:`MOST_FINDINGS` it is only counted."""
        if self.is_full:
            self.more += 1
        else:
            self.findings.append(finding)
