"""The applications of a namespace over REST, for its managers."""

from __future__ import annotations

from typing import Any

from shared_apps.oauth.models import Application
from shared_apps.oauth.serializers import (
    ApplicationSerializer,
    NewApplicationSerializer,
    ShownApplicationSerializer,
)
from shared_apps.oauth.services import applications_of, register_application, remove_application
from smartmodels.context import operation, require_namespace
from smartmodels.rest import GenericApiViewSet, ManagerPermission, NotFound, Response, extend_schema
from smartmodels.rest.access.scoping import lists_here
from smartmodels.rest.views import reason_of
from smartmodels.tenancy.scopes import known_scopes

__all__ = ["ApplicationViewSet"]


class ApplicationViewSet(GenericApiViewSet):
    """Applications that members of this namespace may let in (OAuth 2, below `/oauth/`)."""

    serializer_class = ApplicationSerializer
    queryset = Application.all_objects.none()
    permission_classes = (ManagerPermission,)
    closed_to_programs = True
    keeps_reason = True
    lookup_field = "client_id"
    lookup_value_regex = "[A-Za-z0-9]{1,255}"

    def get_queryset(self) -> Any:
        """Return the applications of the namespace."""
        return applications_of(require_namespace())

    def list(self, request: Any) -> Response:
        """List the applications, the newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(ApplicationSerializer(page, many=True).data)

    def retrieve(self, request: Any, client_id: str) -> Response:
        """Read what is known of an application."""
        found = self.get_queryset().filter(client_id=client_id).first()
        if found is None:
            raise NotFound("There is no such application here.")
        return Response(ApplicationSerializer(found).data)

    @extend_schema(request=NewApplicationSerializer, responses={201: ShownApplicationSerializer})
    def create(self, request: Any) -> Response:
        """Register an application; its secret is shown this once."""
        asked = NewApplicationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        known_scopes(wish["scopes"], lists_here())
        with operation(reason=reason_of(request)):
            row, secret = register_application(require_namespace(), request.user, **wish)
        row.shown_secret = secret
        data = ShownApplicationSerializer(row).data
        return Response(data, status=201, headers={"Cache-Control": "no-store"})

    @extend_schema(responses={204: None})
    def destroy(self, request: Any, client_id: str) -> Response:
        """Remove an application: its tokens end with it."""
        with operation(reason=reason_of(request)):
            remove_application(require_namespace(), client_id)
        return Response(status=204)
