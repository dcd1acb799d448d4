"""Who can see a row, at every resource."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from shared_apps.sharing.grants.serializers import GrantSerializer
from shared_apps.sharing.grants.sides import of_side
from smartmodels.rest import ResourceViewSet, Response, action, extend, extend_schema
from smartmodels.rest.pagination import BoundedPagination
from smartmodels.sharing import GrantStatus, living_grants

__all__ = ["RowNamespaces"]


@extend(ResourceViewSet)
class RowNamespaces:
    """``GET /{id}/namespaces/`` at every resource."""

    @extend_schema(responses=GrantSerializer(many=True))
    @action(detail=True, filter_backends=(), pagination_class=BoundedPagination)
    def namespaces(self: Any, request: Any, pk: str) -> Response:
        """List the living grants of a row: who can see it besides its home, and who is asked to.

        Who manages a row of others sees their own grants, those that they passed on, and that there are
        others: not to whom.
        """
        row = self.get_object()
        grants = living_grants(type(row), row.pk, home=getattr(row, "home", None))
        if self.shows_others:
            grants = grants.filter(Q(status=GrantStatus.ACTIVE) | of_side("target") | of_side("passer"))
        page = self.paginate_queryset(grants)
        context = {**self.get_serializer_context(), "has_others": self.shows_others}
        shown = GrantSerializer(page, many=True, context=context).data
        answer: Response = self.get_paginated_response(shown)
        return answer

    def known_parameters(self: Any) -> frozenset[str]:
        """Add which page is wanted."""
        known: frozenset[str] = super().known_parameters()  # type: ignore[misc]
        return known | BoundedPagination.parameters if self.action == "namespaces" else known
