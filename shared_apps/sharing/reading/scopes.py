"""What a list may show."""

from __future__ import annotations

__all__ = ["SCOPES"]

SCOPES = ("all", "own", "shared")
"""Everything visible here, the namespace's own rows, or what others share with it."""
