"""What may stand in a query string."""

from __future__ import annotations

from typing import Any

from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.parsing import is_storable

__all__ = ["refuse_unknown"]

_STRUCTURED = frozenset({"filter", "where"})
"""Parameters that may be given in brackets, and say themselves what is wrong with them."""


def refuse_unknown(request: Any, known: frozenset[str]) -> None:
    """Raise InvalidParameter for the first parameter that is unknown, given twice or not storable."""
    for name, values in request.query_params.lists():
        if name.partition("[")[0] in known & _STRUCTURED:
            continue
        if name not in known:
            listed = f" Known here: {', '.join(sorted(known))}." if known else ""
            raise InvalidParameter(
                name, f"There is no such parameter here.{listed}", code="unknown-parameter"
            )
        if len(values) > 1:
            raise InvalidParameter(name, "This parameter is given more than once.")
        if not is_storable(values[0]):
            raise InvalidParameter(name, "NUL and unpaired surrogates cannot be searched for.")
