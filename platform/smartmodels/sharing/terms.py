"""Terms: what a grant allows, until when, and what the policies of both sides say to that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from smartmodels.exceptions import ShareRefused
from smartmodels.sharing.grants import GrantEnd, GrantHistory, GrantRole
from smartmodels.sharing.policies import Sharing

__all__ = ["Terms", "refuse_wider", "takes_in", "terms_of", "within_policy"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a grant allows, and until when."""

    role: str = GrantRole.VIEW
    expires_at: datetime | None = None
    covers_below: bool = False
    may_reshare: bool = False
    history: str = GrantHistory.NONE
    at_end: str = GrantEnd.NONE

    def __post_init__(self) -> None:
        for name, known in (("role", GrantRole), ("history", GrantHistory), ("at_end", GrantEnd)):
            given = getattr(self, name)
            if given not in known.values:
                raise ShareRefused(f"{given!r} is no {name}: one of {', '.join(known.values)}.", field=name)
        if self.expires_at is not None and self.expires_at <= timezone.now():
            raise ShareRefused("A grant cannot end in the past: name a moment to come.", field="expires_at")

    @property
    def rank(self) -> int:
        """Return how much the role may, to compare roles by."""
        return GrantRole(self.role).rank

    def exceed(self, held: Terms) -> bool:
        """Tell whether anything of this is more, or longer, than what is held."""
        shown = list(GrantHistory)
        return (
            self.rank > held.rank
            or shown.index(GrantHistory(self.history)) > shown.index(GrantHistory(held.history))
            or (self.covers_below, self.may_reshare, self.at_end == GrantEnd.COPY)
            != (
                self.covers_below and held.covers_below,
                self.may_reshare and held.may_reshare,
                self.at_end == held.at_end == GrantEnd.COPY,
            )
            or (
                held.expires_at is not None and (self.expires_at is None or self.expires_at > held.expires_at)
            )
        )


def terms_of(grant: Any) -> dict[str, Any]:
    """Return the values of the terms that a grant has, by name."""
    return {name: getattr(grant, name) for name in Terms.__slots__}


def refuse_wider(terms: Terms) -> None:
    """Raise ShareRefused for terms that a grant to a user cannot have."""
    if terms.covers_below or terms.may_reshare or terms.at_end != GrantEnd.NONE:
        raise ShareRefused(
            "With a user one row is shared by itself: nothing below it, not passed on, and not copied."
        )


def within_policy(home: Any, policy: Any, terms: Terms, *, held: Terms | None = None) -> Terms:
    """Return the terms as the home's policy completes them.

    ``held`` are those that the grant has already: nothing has to be asked for what is no more than they are.
    Raises ShareRefused where the home lets nothing out, and for a role above its limit.
    """
    if held is not None and not terms.exceed(held):
        return terms
    if policy.outbound == Sharing.OFF:
        raise ShareRefused(f"{home.slug} shares nothing (its sharing policy): ask one of its admins.")
    if (held is None or terms.rank > held.rank) and terms.rank > GrantRole(policy.highest_role).rank:
        raise ShareRefused(
            f"{home.slug} shares its rows as {policy.highest_role} at most (its sharing policy)."
        )
    if held is None and terms.expires_at is None and policy.default_days is not None:
        return replace(terms, expires_at=timezone.now() + timedelta(days=policy.default_days))
    return terms


def takes_in(policy: Any, home: Any, terms: Terms, *, held: Terms | None = None) -> bool:
    """Tell whether the policy of a target lets rows of ``home`` in under these terms.

    A role is judged where it is higher than that which is ``held``.
    """
    too_much = terms.rank > GrantRole(policy.highest_role).rank and (held is None or terms.rank > held.rank)
    return policy.inbound != Sharing.OFF and policy.knows(home.slug) and not too_much
