"""The life of a namespace over REST: suspend, maintain, rename, archive, delete, purge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared_apps.namespaces.closing.serializers import DryRunSerializer
from shared_apps.namespaces.serializers import ConfirmationSerializer, NamespaceSerializer
from shared_apps.namespaces.viewsets.bodies import (
    MaintenanceSerializer,
    PurgeSerializer,
    RenameSerializer,
)
from shared_apps.namespaces.viewsets.changing import changing, require_confirmed, wish_of
from smartmodels.rest import Response, action, extend_schema
from smartmodels.tenancy import life

__all__ = ["LifeMixin"]

_Service = Callable[[Any], Any]


class LifeMixin:
    """Actions that lead from state to state; each answers with the namespace as it is, or would be, then."""

    get_object: Callable[[], Any]
    get_serializer: Callable[..., Any]

    def _shown(self, namespace: Any, status: int = 200) -> Response:
        return Response(self.get_serializer(namespace).data, status=status)

    def _change(self, request: Any, service: _Service, wish: dict[str, Any] | None = None) -> Response:
        asked = wish_of(DryRunSerializer, request) if wish is None else wish
        namespace = self.get_object()
        with changing(request, dry=asked["dry_run"]):
            service(namespace)
            return self._shown(namespace)

    @extend_schema(request=DryRunSerializer)
    @action(detail=True, methods=["post"])
    def suspend(self, request: Any, slug: str) -> Response:
        """Stop serving a namespace; nothing is lost."""
        return self._change(request, life.suspend)

    @extend_schema(request=DryRunSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Any, slug: str) -> Response:
        """Serve a suspended namespace again, or finish one that is half-made."""
        return self._change(request, life.serve)

    @extend_schema(request=MaintenanceSerializer)
    @action(detail=True, methods=["post"])
    def maintenance(self, request: Any, slug: str) -> Response:
        """Close a namespace for work on it, with a message for its people, or open it again."""
        wish = wish_of(MaintenanceSerializer, request)
        if not wish["on"]:
            return self._change(request, life.end_maintenance, wish)
        lasts = None if wish["minutes"] is None else timedelta(minutes=wish["minutes"])
        return self._change(
            request, lambda found: life.begin_maintenance(found, notice=wish["message"], lasts=lasts), wish
        )

    @extend_schema(request=RenameSerializer)
    @action(detail=True, methods=["post"])
    def rename(self, request: Any, slug: str) -> Response:
        """Give a namespace another slug and host; the old host leads to the new one."""
        wish = wish_of(RenameSerializer, request)
        return self._change(request, lambda found: life.rename(found, wish["slug"]), wish)

    @extend_schema(request=DryRunSerializer)
    @action(detail=True, methods=["post"])
    def archive(self, request: Any, slug: str) -> Response:
        """Put a namespace away with its rows: it is served to nobody."""
        return self._change(request, life.archive)

    @extend_schema(request=DryRunSerializer)
    @action(detail=True, methods=["post"])
    def unarchive(self, request: Any, slug: str) -> Response:
        """Serve an archived namespace again."""
        return self._change(request, life.unarchive)

    @extend_schema(responses={202: NamespaceSerializer})
    def destroy(self, request: Any, slug: str) -> Response:
        """Delete a namespace; until `purge_after` it can be brought back. The body repeats its slug."""
        namespace = self.get_object()
        wish = wish_of(ConfirmationSerializer, request)
        require_confirmed(namespace, wish["confirm"], "delete the namespace")
        with changing(request):
            return self._shown(life.delete(namespace), 202)

    @extend_schema(request=DryRunSerializer)
    @action(detail=True, methods=["post"])
    def undelete(self, request: Any, slug: str) -> Response:
        """Bring a deleted namespace back, in the state that it was in."""
        return self._change(request, life.undelete)

    @extend_schema(request=PurgeSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def purge(self, request: Any, slug: str) -> Response:
        """Remove a deleted namespace with all its rows, for good; the body repeats its slug."""
        namespace = self.get_object()
        wish = wish_of(PurgeSerializer, request)
        require_confirmed(namespace, wish["confirm"], "remove the namespace with all its rows, for good")
        with changing(request):
            life.purge(namespace, now=wish["now"])
        return Response(status=204)
