"""The settings of the project as a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

__all__ = ["GivenSettings"]


class GivenSettings(Mapping[str, Any]):
    """Django's settings, of which each is read when it is asked for: reading some of them warns."""

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(settings, name)
        except AttributeError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return (name for name in dir(settings) if name.isupper())

    def __len__(self) -> int:
        return sum(1 for _ in self)
