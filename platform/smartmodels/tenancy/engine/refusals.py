"""What our own triggers refuse, as errors of the library instead of the driver's."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from django.db.utils import DatabaseErrorWrapper

from smartmodels.exceptions import (
    ActorRequired,
    GrantStateRefused,
    HistoryAppendOnly,
    KeyFixed,
    OwnerClosed,
    ParentDeleted,
    SentinelProtected,
    SmartModelsError,
    WriteConflict,
)

__all__ = ["RefusalWrapper", "refusal_of"]

# The SQLSTATEs that smartmodels' functions raise; class SM is used by nobody else.
_BY_STATE: dict[str, type[SmartModelsError]] = {
    "SM001": ActorRequired,
    "SM002": KeyFixed,
    "SM003": HistoryAppendOnly,
    "SM004": OwnerClosed,
    "SM005": ParentDeleted,
    "SM006": SentinelProtected,
    "SM007": WriteConflict,
    "SM008": GrantStateRefused,
}


def refusal_of(error: BaseException | None) -> SmartModelsError | None:
    """Return the library's error for one of the driver's that our triggers raised; None for any other."""
    refusal = _BY_STATE.get(getattr(error, "sqlstate", None) or "")
    if refusal is None:
        return None
    said: Any = getattr(error, "diag", None)
    return refusal(" ".join(filter(None, (said.message_primary, said.message_hint))))


class RefusalWrapper(DatabaseErrorWrapper):
    """Django's translation of the driver's errors, which knows the refusals of our triggers as well."""

    wrapper: Any

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            return
        refusal = refusal_of(error)
        if refusal is None:
            super().__exit__(kind, error, trace)
            return
        self.wrapper.errors_occurred = True
        raise refusal from error
