"""Times in the query string."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from smartmodels.rest.faults import InvalidParameter

__all__ = ["moment_of"]


def moment_of(name: str, given: str) -> datetime:
    """Return the time that a parameter says in ISO 8601 (UTC unless it says otherwise)."""
    try:
        moment: Any = serializers.DateTimeField().to_internal_value(given)
    except (ValidationError, OverflowError) as error:
        raise InvalidParameter(name, "A time in ISO 8601 is needed, such as 2024-02-29T12:00:00Z.") from error
    return moment  # type: ignore[no-any-return]
