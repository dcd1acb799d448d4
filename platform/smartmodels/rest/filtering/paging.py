"""Pages of a list: as many rows as ``filter.limit`` says, from ``filter.skip`` on."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from smartmodels.conf import settings
from smartmodels.rest.pagination import BoundedPagination

__all__ = ["SelectionPages"]


class SelectionPages(BoundedPagination):
    """Pages whose size and place come from the view's selection; links repeat its filter as JSON."""

    parameters = frozenset()
    count: int
    limit: int
    offset: int
    request: Any

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any] | None:
        """Return the rows of the page."""
        self._view: Any = view
        return super().paginate_queryset(queryset, request, view)

    def get_limit(self, request: Any) -> int:
        """Return how many rows a page has."""
        given = settings()
        return self._view.selection.limit or min(given.PAGE_SIZE, given.PAGE_SIZE_MAX)

    def get_offset(self, request: Any) -> int:
        """Return how many rows stand before the page."""
        skip: int = self._view.selection.skip
        return skip

    def get_next_link(self) -> str | None:
        """Return the address of the page behind this one."""
        return self._link(self.offset + self.limit) if self.offset + self.limit < self.count else None

    def get_previous_link(self) -> str | None:
        """Return the address of the page before this one."""
        return self._link(max(self.offset - self.limit, 0)) if self.offset else None

    def _link(self, skip: int) -> str:
        whole = {name: value for name, value in self._view.selection.given.items() if name != "offset"}
        wanted = json.dumps({**whole, "limit": self.limit, "skip": skip}, separators=(",", ":"))
        kept = [
            (name, value)
            for name, value in self.request.query_params.items()
            if name.partition("[")[0] != "filter"
        ]
        return f"{self._view.reverse_action('list')}?{urlencode([*kept, ('filter', wanted)])}"

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Add nothing: the filter says it."""
        return []
