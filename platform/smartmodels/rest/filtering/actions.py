"""What a list offers beside itself: ``count``, ``find`` and ``findOne``."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from smartmodels.querysets import without_service_owners
from smartmodels.rest.filtering.asking import given_in_body, given_in_query
from smartmodels.rest.filtering.compiling import ALL_KEYS, selection_of
from smartmodels.rest.filtering.embedding import represent
from smartmodels.rest.filtering.openapi import filter_schema, response_schema
from smartmodels.rest.filtering.searching import searching
from smartmodels.rest.filtering.selection import Selection

__all__ = ["LISTING", "FilterMixin"]

LISTING = frozenset({"list", "find", "find_one", "count"})
"""The actions that answer with rows of a list, or about them."""

_SELECTING = frozenset({"list", "find", "find_one", "retrieve"})
_PARAMETERS = {
    "list": ("filter", "cursor", "format", "as_of", "deleted"),
    "find_one": ("filter", "as_of", "deleted"),
    "find": ("cursor", "as_of", "deleted"),
    "count": ("where", "as_of", "deleted"),
    "retrieve": ("filter", "as_of", "deleted"),
}
_COUNT = {"type": "object", "properties": {"count": {"type": "integer", "minimum": 0}}, "required": ["count"]}


class FilterMixin:
    """The LoopBack filter of a viewset's rows.

    ``GET /items/?filter={"where": {"qty": {"gt": 5}}, "include": ["owner"], "limit": 10}``, the same in
    brackets or as the body of ``POST /items/find/``; ``GET /items/count/?where={...}``. Only what the
    serializer shows can be named. Relations are found by the exposed keys; a viewset may name further ones::

        @register(Item)
        class ItemViewSet(SmartViewSet):
            relations = {"owner": "keeper"}
    """

    relations: ClassVar[dict[str, str]] = {}
    selection: Selection

    def known_parameters(self: Any) -> frozenset[str]:
        """Return what may stand in the query string."""
        return frozenset(_PARAMETERS.get(self.action, self.parameters))

    @property
    def is_listing(self: Any) -> bool:
        """Tell whether the request is about a list."""
        return self.action in LISTING

    # Selecting

    def select(self: Any, here: Any = None) -> Selection:
        """Return what the request selects, and keep it as ``selection``; raise InvalidFilter.

        ``here`` is the condition under which a row is at home in the bound namespace, None where all are.
        """
        given, keys = self._asked_for()
        self.selection = selection_of(self, given, here=here, keys=keys)
        return self.selection  # type: ignore[no-any-return]

    def _asked_for(self: Any) -> tuple[Any, tuple[str, ...]]:
        if self.action == "count":
            return {"where": given_in_query(self.request, "where")}, ALL_KEYS
        if self.action == "find":
            return given_in_body(self.request), ALL_KEYS
        keys = ("fields", "include") if self.action == "retrieve" else ALL_KEYS
        return given_in_query(self.request, "filter"), keys

    def selected(self: Any) -> Any:
        """Return the rows that the request selects, in order; not yet cut into pages."""
        return self.filter_queryset(without_service_owners(self.get_queryset()))

    def describe_body(self: Any, schema: Any) -> dict[str, Any] | None:
        """Describe the body of a search; None for other endpoints."""
        return filter_schema(self) if self.action == "find" else None

    def answer_schema(self: Any) -> dict[str, Any] | None:
        """Describe the answer, of which `fields` and `include` decide; None for other endpoints."""
        return response_schema(self) if self.action in _SELECTING else None

    # Endpoints

    @action(detail=False, methods=["post"], only_reads=True, keeps_reason=False)
    def find(self: Any, request: Any) -> Any:
        """List rows as the filter in the body says."""
        return self.page()

    @action(detail=False, url_path="findOne", pagination_class=None)
    def find_one(self: Any, request: Any) -> Response:
        """Read the first row that the filter selects."""
        rows = self.selected()
        with searching(self.selection):
            found = self.first_of(rows)
        if found is None:
            raise NotFound(f"No {self.model._meta.verbose_name} here matches.")
        return Response(found)

    def first_of(self: Any, rows: Any) -> dict[str, Any] | None:
        """Return the first of the rows that were selected, as it is shown; None where there is none."""
        found = list(rows[self.selection.skip : self.selection.skip + 1])
        return represent(self, found, self.selection)[0] if found else None

    @extend_schema(responses={200: _COUNT})
    @action(detail=False, pagination_class=None)
    def count(self: Any, request: Any) -> Response:
        """Count the rows for which `where` holds."""
        rows = self.selected()
        with searching(self.selection):
            return Response({"count": rows.order_by().count()})
