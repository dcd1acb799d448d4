"""How a fleet is migrated, and what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from smartmodels.exceptions import InvalidInput

__all__ = ["MigrationOptions", "MigrationReport", "SchemaResult", "Step"]


@dataclass(frozen=True, slots=True)
class MigrationOptions:
    """How to go about it.

    ``canary`` namespaces are migrated first, then ``waves`` of so many, then the rest; nothing follows a
    wave in which one failed. ``jobs`` schemas are migrated at a time. Waiting for a lock ends after
    ``lock_timeout`` seconds and is tried again ``retries`` times, at growing distances. ``app_label``
    confines it to one app and what that depends on.
    """

    canary: int = 0
    waves: tuple[int, ...] = ()
    jobs: int = 2
    lock_timeout: float = 2.0
    retries: int = 5
    app_label: str | None = None

    def __post_init__(self) -> None:
        """Raise InvalidInput for numbers that make no sense."""
        if self.canary < 0 or any(size < 1 for size in self.waves):
            raise InvalidInput("Canaries and waves are numbers of namespaces: give positive ones.")
        if not 1 <= self.jobs <= 64:
            raise InvalidInput("--jobs is a number from 1 to 64: each is a connection to the database.")
        if not 0 < self.lock_timeout <= 3600 or not 0 <= self.retries <= 100:
            raise InvalidInput("--lock-timeout is 0.001 to 3600 seconds, --retries 0 to 100.")


@dataclass(frozen=True, slots=True)
class Step:
    """One migration that was applied to a schema: its name as ``app.name``, how, in how many seconds."""

    migration: str
    way: str
    seconds: float


@dataclass(slots=True)
class SchemaResult:
    """What came of one namespace. ``tried`` is false for one that a failed wave left out."""

    slug: str
    schema: str
    steps: list[Step] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None
    code: str | None = None
    tried: bool = True
    note: str = ""

    @property
    def applied(self) -> list[str]:
        """Return the migrations that were applied, as ``app.name``."""
        return [step.migration for step in self.steps]

    def as_json(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        return {**asdict(self), "seconds": round(self.seconds, 3), "applied": self.applied}


@dataclass(slots=True)
class MigrationReport:
    """What came of all. ``run`` is the key of the recorded run, None when nothing was to be done."""

    run: Any
    current: list[str]
    results: list[SchemaResult]
    seconds: float = 0.0

    @property
    def failed(self) -> list[SchemaResult]:
        """Return those that were tried and are not up to date."""
        return [result for result in self.results if result.error is not None]

    @property
    def untried(self) -> list[SchemaResult]:
        """Return those that a failed wave left out."""
        return [result for result in self.results if not result.tried]

    @property
    def migrated(self) -> list[SchemaResult]:
        """Return those that were brought up to date."""
        return [result for result in self.results if result.tried and result.error is None]

    def as_json(self) -> dict[str, Any]:
        """Return it as a program reads it."""
        return {
            "run": None if self.run is None else str(self.run),
            "seconds": round(self.seconds, 3),
            "current": self.current,
            "migrated": [result.slug for result in self.migrated],
            "failed": [result.slug for result in self.failed],
            "untried": [result.slug for result in self.untried],
            "namespaces": [result.as_json() for result in self.results],
        }
