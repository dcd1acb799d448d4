"""The scopes of tokens: those of API keys, as far as an application has them."""

from __future__ import annotations

from typing import Any

from oauth2_provider.scopes import BaseScopes

from smartmodels.rest.access.scoping import lists_here
from smartmodels.tenancy.scopes import ACTIONS, allows

__all__ = ["NamespaceScopes"]

_ABOUT = {"read": "Read", "write": "Read and change", "manage": "Read, change and share"}


class NamespaceScopes(BaseScopes):
    """What applications may ask for in the bound namespace."""

    def get_all_scopes(self) -> dict[str, str]:
        """Return every scope there is, and what people read about it."""
        lists = sorted(lists_here())
        return {
            **{action: f"{_ABOUT[action]} everything that you may" for action in ACTIONS},
            **{f"{each}:{action}": f"{_ABOUT[action]} {each}" for each in lists for action in ACTIONS},
        }

    def get_available_scopes(self, application: Any = None, *_: Any, **__: Any) -> list[str]:
        """Return what the application may ask for: its own scopes and whatever is narrower."""
        own = () if application is None else application.scopes
        return [scope for scope in self.get_all_scopes() if _covers(own, scope)]

    def get_default_scopes(self, application: Any = None, *_: Any, **__: Any) -> list[str]:
        """Return what it gets if it does not say: exactly its own."""
        return [] if application is None else list(application.scopes)


def _covers(own: Any, scope: str) -> bool:
    resource, _, action = scope.rpartition(":")
    return allows(own, resource or None, action)
