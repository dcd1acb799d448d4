"""The audit over REST: what was done to namespaces, for staff on the public host."""

from __future__ import annotations

from typing import Any

from shared_apps.operations.models import AuditEntry
from shared_apps.operations.serializers import AuditEntrySerializer, AuditFilterSerializer
from smartmodels.rest import GenericApiViewSet, Response, StaffPermission, extend_schema
from smartmodels.tenancy.audit import said_by

__all__ = ["AuditViewSet"]


class AuditViewSet(GenericApiViewSet):
    """What was done to namespaces, newest first."""

    permission_classes = (StaffPermission,)
    serializer_class = AuditEntrySerializer
    queryset = AuditEntry.objects.order_by("-id")
    parameters = frozenset(AuditFilterSerializer().fields)

    @extend_schema(parameters=[AuditFilterSerializer])
    def list(self, request: Any) -> Response:
        """List entries, of all namespaces or of those of one slug."""
        asked = AuditFilterSerializer(
            data={name: request.query_params[name] for name in self._given(request)}
        )
        asked.is_valid(raise_exception=True)
        page: Any = self.paginate_queryset(self.get_queryset().filter(**asked.validated_data))
        for entry, who in zip(page, said_by(page), strict=True):
            entry.said_by = who
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def _given(self, request: Any) -> frozenset[str]:
        return self.parameters & set(request.query_params)
