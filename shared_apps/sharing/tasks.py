"""What is done for sharing in the background."""

from __future__ import annotations

from smartmodels import sharing
from smartmodels.jobs import job, progress

__all__ = ["copy_promised", "expire"]


@job("sharing.expire", every="*/5 * * * *")
def expire() -> int:
    """End grants and offers whose time is over; return how many. Reads judge by the clock and do without."""
    return sharing.expire_grants()


@job("sharing.copy_promised", atomic=False, every="*/10 * * * *", timeout=3600)
def copy_promised() -> dict[str, int]:
    """Make the copies that deleted namespaces have promised; return how many, by slug of the home."""
    made: dict[str, int] = {}
    for home in sharing.homes_to_copy():
        progress(len(made), None, home.slug)
        made[home.slug] = sharing.copy_promised(home).made
    return made
