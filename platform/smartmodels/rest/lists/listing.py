"""What is listed, where that is no single queryset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

__all__ = ["Listing"]


class Listing(ABC):
    """Rows of ``model`` from several sources, as one list; nothing is read before it is asked for."""

    model: Any

    @abstractmethod
    def find(self, window: Any, wanted: int, read: Any) -> list[Any]:
        """Return the first ``wanted`` rows of a window of the list, which ``read`` has read of querysets."""

    @abstractmethod
    def total(self, kind: str) -> int:
        """Return how many rows there are, exactly or about, as :func:`total_of` says."""

    def order_by(self) -> Self:
        """Return the listing: its order is the window's affair."""
        return self

    def count(self) -> int:
        """Return how many rows there are."""
        return self.total("exact")
