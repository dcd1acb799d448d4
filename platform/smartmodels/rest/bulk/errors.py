"""What is refused about writes that are sent twice."""

from __future__ import annotations

from smartmodels.exceptions import SmartModelsError

__all__ = ["RequestUnderWay"]


class RequestUnderWay(SmartModelsError):
    """A request with this idempotency key is being answered: ask again shortly, with the same key."""

    code = "request-under-way"
    status = 409
