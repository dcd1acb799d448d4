"""``Prefer: tx=rollback`` of every write of rows: it is done, told and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from smartmodels.rest.bulk.preferences import preferences_of

__all__ = ["RehearsalMixin"]

_UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


class RehearsalMixin:
    """Lets every write of rows be rehearsed; who asks for it is not to find it written."""

    @contextmanager
    def writing(self: Any, reason: str | None = None) -> Iterator[None]:
        """All or nothing; nothing, if it is a rehearsal."""
        with super().writing(reason):  # type: ignore[misc]
            yield
            if preferences_of(self.request, "tx").is_rehearsal:
                transaction.set_rollback(True)

    def finalize_response(self: Any, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say that it was one."""
        answer = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        if request.method in _UNSAFE and answer.status_code < 300 and "Preference-Applied" not in answer:
            preferences = preferences_of(request, "tx")
            if preferences.is_rehearsal and not getattr(self, "only_reads", False):
                for name, value in preferences.applied.items():
                    answer[name] = value
        return answer
