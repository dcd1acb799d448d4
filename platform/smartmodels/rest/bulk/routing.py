"""PUT, PATCH and DELETE at the address of a list lead to the methods that write many rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["with_collection_writes"]

_WRITES = {"put": "bulk_replace", "patch": "bulk_change", "delete": "bulk_remove"}


def with_collection_writes(routes: Iterable[Any]) -> list[Any]:
    """Return the routes of a router with the writes of many rows at the list; views may lack them."""
    return [
        route._replace(mapping={**route.mapping, **_WRITES})
        if getattr(route, "mapping", {}).get("post") == "create"
        else route
        for route in routes
    ]
