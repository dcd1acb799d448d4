"""The keys of a namespace over REST, for its managers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared_apps.accounts.keys.serializers import (
    KeySerializer,
    NewKeySerializer,
    RotationSerializer,
    ShownKeySerializer,
)
from shared_apps.accounts.models import ApiKey
from smartmodels.context import operation, require_namespace
from smartmodels.rest import (
    GenericApiViewSet,
    ManagerPermission,
    NotFound,
    Response,
    action,
    extend_schema,
)
from smartmodels.rest.access.scoping import lists_here
from smartmodels.rest.views import reason_of
from smartmodels.tenancy import life
from smartmodels.tenancy.scopes import known_scopes

__all__ = ["KeyViewSet"]


def _shown(key: Any, secret: str, status: int) -> Response:
    key.key = secret
    return Response(ShownKeySerializer(key).data, status=status, headers={"Cache-Control": "no-store"})


class KeyViewSet(GenericApiViewSet):
    """API keys: each lets a program act in this namespace, on the account of who made it.

    What a key may do is the least of its role, its maker's role and its scopes. It ends with the maker's
    membership, with the namespace, when it expires and when it is revoked, from the next request on.
    """

    serializer_class = KeySerializer
    queryset = ApiKey.objects.none()
    permission_classes = (ManagerPermission,)
    closed_to_programs = True
    keeps_reason = True

    def get_queryset(self) -> Any:
        """Return the keys of the namespace."""
        return life.keys_of(require_namespace())

    def get_object(self) -> Any:
        """Return the key of the address; raise NotFound."""
        found = self.get_queryset().filter(pk=self.key()).first()
        if found is None:
            raise NotFound("There is no such key here.")
        return found

    def list(self, request: Any) -> Response:
        """List the keys, the newest first, the dead ones included."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(KeySerializer(page, many=True).data)

    def retrieve(self, request: Any, pk: str) -> Response:
        """Read what is known of a key; the key itself cannot be read."""
        return Response(KeySerializer(self.get_object()).data)

    @extend_schema(request=NewKeySerializer, responses={201: ShownKeySerializer})
    def create(self, request: Any) -> Response:
        """Make a key; it is shown this once."""
        asked = NewKeySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        known_scopes(wish["scopes"], lists_here())
        with operation(reason=reason_of(request)):
            key, secret = life.make_key(require_namespace(), request.user, **wish)
        return _shown(key, secret, 201)

    @extend_schema(request=RotationSerializer, responses={201: ShownKeySerializer})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Any, pk: str) -> Response:
        """Replace a key of one's own by a new one; the old one stays good for `overlap_hours`."""
        asked = RotationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        overlap = timedelta(hours=asked.validated_data["overlap_hours"])
        with operation(reason=reason_of(request)):
            new, secret = life.rotate_key(
                require_namespace(), self.get_object(), request.user, overlap=overlap
            )
        return _shown(new, secret, 201)

    @extend_schema(request=None, responses=KeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Any, pk: str) -> Response:
        """End a key, whoever made it; what replaced it goes on."""
        with operation(reason=reason_of(request)):
            key = life.revoke_key(require_namespace(), self.get_object())
        return Response(KeySerializer(key).data)
