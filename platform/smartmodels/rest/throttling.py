"""Guessing passwords is slow: too many attempts are answered 429."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import Throttled

from smartmodels.tenancy.guessing import Guesses

__all__ = ["GuessLimit"]


class GuessLimit:
    """The limit on attempts of :class:`smartmodels.tenancy.guessing.Guesses`, in the words of the API."""

    def __init__(self, guesses: Guesses | None = None) -> None:
        self._guesses = guesses or Guesses()

    def count(self, request: Any, account: str) -> None:
        """Count an attempt before it is judged; raise Throttled when there were too many."""
        wait = self._guesses.count(request, account)
        if wait is not None:
            raise Throttled(wait=wait)

    def forget(self, request: Any, account: str) -> None:
        """Forget the failures of an account after a success."""
        self._guesses.forget(request, account)
