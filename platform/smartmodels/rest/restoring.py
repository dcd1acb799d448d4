"""Bring deleted rows back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from smartmodels.rest.deleting import refuse_foreign_return

__all__ = ["RestoreMixin"]


class RestoreMixin:
    """``POST /{id}/restore/``: the exact inverse of the deletion."""

    @extend_schema(request=None)
    @action(detail=True, methods=["post"], life="all")
    def restore(self: Any, request: Any, pk: str) -> Response:
        """Restore a deleted row with what its deletion took along; a living one stays as it is."""
        with self.writing():
            row = self.get_object(lock=True)
            if row.is_deleted:
                refuse_foreign_return(request, row)
                row.undelete()
        return Response(self.get_serializer(row).data)
