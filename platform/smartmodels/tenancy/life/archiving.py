"""Put a namespace away, with its rows, and bring it back."""

from __future__ import annotations

from typing import Any

from smartmodels.tenancy.life.states import move

__all__ = ["archive", "unarchive"]


def archive(namespace: Any) -> Any:
    """Put a namespace away: nobody is served, its host answers 410. Repeating it changes nothing.

    Raises NamespaceStateRefused.
    """
    return move(namespace, "archive", columns={"notice": "", "back_at": None})


def unarchive(namespace: Any) -> Any:
    """Serve an archived namespace again. Raises NamespaceStateRefused."""
    return move(namespace, "unarchive")
