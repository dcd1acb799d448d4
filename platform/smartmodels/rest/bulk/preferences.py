"""What a client prefers of a write (RFC 7240): how strict it is, what it answers, whether it is rehearsed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from smartmodels.rest.faults import InvalidHeader, InvalidParameter

__all__ = ["MAX_AFFECTED", "Preferences", "preferences_of", "preferred"]

MAX_AFFECTED = 10_000
"""The most rows that one update or deletion by ``where`` may be allowed."""

_CHOICES = {
    "handling": ("strict", "lenient"),
    "tx": ("commit", "rollback"),
    "return": ("minimal", "representation"),
    "resolution": ("merge-duplicates", "ignore-duplicates"),
}


@dataclass(frozen=True, slots=True)
class Preferences:
    """What is preferred; ``given`` is what the answer says was applied (``Preference-Applied``)."""

    given: tuple[tuple[str, str], ...] = ()
    max_affected: int | None = None

    def _said(self, name: str, default: str) -> str:
        return dict(self.given).get(name, default)

    @property
    def is_lenient(self) -> bool:
        """Tell whether good rows are to be written though others are refused."""
        return self._said("handling", "strict") == "lenient"

    @property
    def is_rehearsal(self) -> bool:
        """Tell whether everything is to be done and then taken back."""
        return self._said("tx", "commit") == "rollback"

    @property
    def ignores_duplicates(self) -> bool:
        """Tell whether an upsert leaves rows that exist as they are."""
        return self._said("resolution", "merge-duplicates") == "ignore-duplicates"

    def shows_rows(self, default: str = "representation") -> bool:
        """Tell whether the answer holds the rows."""
        return self._said("return", default) == "representation"

    @property
    def applied(self) -> dict[str, str]:
        """Return the header that says what was applied; none when nothing was asked for."""
        said = [f"{name}={value}" for name, value in self.given]
        if self.max_affected is not None:
            said.append(f"max-affected={self.max_affected}")
        return {"Preference-Applied": ", ".join(said), "Vary": "Prefer"} if said else {}


def preferred(request: Any) -> Iterator[tuple[str, str]]:
    """Yield the preferences in ``Prefer`` as (name, value), the first of each name alone (RFC 7240)."""
    seen = set()
    for part in request.headers.get("Prefer", "").split(","):
        name, _, value = part.partition(";")[0].partition("=")
        name = name.strip().lower()
        if name and name not in seen:
            seen.add(name)
            yield name, value.strip().strip('"').lower()


def _count(given: str) -> int | None:
    """Return the number of rows, None for what is none."""
    if not (given.isascii() and given.isdigit() and len(given) <= 6):
        return None
    return int(given) if 1 <= int(given) <= MAX_AFFECTED else None


def _max_affected(request: Any, said: dict[str, str]) -> int | None:
    wanted = f"A whole number from 1 to {MAX_AFFECTED} is needed."
    found = None
    if "max-affected" in said and (found := _count(said["max-affected"])) is None:
        raise InvalidHeader("Prefer", f"max-affected: {wanted}")
    if "max_affected" in request.query_params:
        in_query = _count(request.query_params["max_affected"])
        if in_query is None:
            raise InvalidParameter("max_affected", wanted)
        found = in_query if found is None else min(found, in_query)
    return found


def preferences_of(request: Any, *names: str) -> Preferences:
    """Return the preferences of these names; others, and values that mean nothing, count as not given.

    Raises InvalidHeader or InvalidParameter for a ``max-affected`` that is no number of rows: it protects.
    """
    said = dict(preferred(request))
    given = tuple((name, said[name]) for name in names if said.get(name) in _CHOICES.get(name, ()))
    return Preferences(given, _max_affected(request, said) if "max-affected" in names else None)
