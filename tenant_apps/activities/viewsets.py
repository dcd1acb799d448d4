"""The REST API of activities, and of those at every resource."""

from __future__ import annotations

from typing import Any

from smartmodels.rest import Response, SmartViewSet, extend_schema, register
from tenant_apps.activities.models import Activity
from tenant_apps.activities.of_resources import ResourceActivities, address_of
from tenant_apps.activities.serializers import ActivitySerializer
from tenant_apps.activities.services import record

__all__ = ["ActivityViewSet", "ResourceActivities"]


@register(Activity)
class ActivityViewSet(SmartViewSet):
    """Comments, favourites, likes and votes on the resources of the namespace."""

    serializer_class = ActivitySerializer

    @extend_schema(responses={200: ActivitySerializer, 201: ActivitySerializer})
    def create(self, request: Any) -> Response:
        """Comment, favourite, like or vote: 201 for a new activity, 200 for one that was there already.

        An up-vote turns one's own down-vote round, and the other way about. What is about a row that another
        namespace shares is kept there, and found at the address of that row.
        """
        serializer = self.get_serializer(data=request.data)
        with self.writing():
            serializer.is_valid(raise_exception=True)
            given = dict(serializer.validated_data)
            model: Any = given.pop("resource_type").model_class()
            outcome = record(model=model, **given)
        data = self.get_serializer(outcome.activity).data
        if not outcome.created:
            return Response(data)
        made = self.created(outcome.activity, data)
        if outcome.elsewhere:
            made["Location"] = address_of(model, outcome.activity)
        return made
