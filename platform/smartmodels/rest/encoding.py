"""JSON as it is answered: strict, so what is no number in JSON is null there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import JSONRenderer as StrictRenderer

__all__ = ["JSONRenderer"]


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, (list, tuple)) else value


class JSONRenderer(StrictRenderer):
    """Django REST framework's, but NaN and the infinities, which a column may hold, are null."""

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the bytes of the JSON text."""
        try:
            return super().render(data, *args, **kwargs)
        except ValueError:  # a number that JSON does not know: rare, and not looked for beforehand
            return super().render(_finite(data), *args, **kwargs)
