"""The origins that a namespace allows, over REST, for its managers."""

from __future__ import annotations

from typing import Any

from shared_apps.namespaces.viewsets.changing import changing, wish_of
from smartmodels.context import require_namespace
from smartmodels.rest import (
    ApiView,
    ManagerPermission,
    Response,
    ShapedField,
    StrictSerializer,
    extend_schema,
    serializers,
)
from smartmodels.tenancy.life import set_origins
from smartmodels.tenancy.life.origins import ORIGIN_PATTERN, ORIGINS_MAX
from smartmodels.tenancy.models import get_namespace_model

__all__ = ["OriginsView"]


class OriginsSerializer(StrictSerializer):
    """Which web pages of other origins may call the API, with a token or key."""

    origins = serializers.ListField(
        child=ShapedField(shape=ORIGIN_PATTERN, max_length=255, help_text="Such as https://app.example.org."),
        max_length=ORIGINS_MAX,
    )


class OriginsView(ApiView):
    """The web pages of other origins that may call this API."""

    permission_classes = (ManagerPermission,)
    serializer_class = OriginsSerializer
    keeps_reason = True

    @staticmethod
    def _stored() -> Any:
        return get_namespace_model().objects.get(pk=require_namespace().pk)

    @extend_schema(responses=OriginsSerializer)
    def get(self, request: Any) -> Response:
        """Read which origins are allowed."""
        return Response({"origins": self._stored().cors_origins})

    @extend_schema(responses=OriginsSerializer)
    def put(self, request: Any) -> Response:
        """Allow exactly these origins."""
        wish, namespace = wish_of(OriginsSerializer, request), self._stored()
        with changing(request):
            set_origins(namespace, wish["origins"])
        return Response({"origins": namespace.cors_origins})
