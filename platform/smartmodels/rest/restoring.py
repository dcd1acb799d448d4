"""Bring deleted rows back."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from smartmodels.rest.lists import check_row_if_asked
from smartmodels.rest.serializing import StrictSerializer
from smartmodels.rest.views import REASON_MAX

__all__ = ["RestoreMixin"]


class RestoreSerializer(StrictSerializer):
    """How to restore."""

    dry_run = serializers.BooleanField(default=False, help_text="Only show the row as it would be.")
    reason = serializers.CharField(
        default="", allow_blank=True, max_length=REASON_MAX, help_text="Why: kept in history."
    )


class RestoreMixin:
    """``POST /{id}/restore/``: the exact inverse of the deletion."""

    @extend_schema(request=RestoreSerializer)
    @action(detail=True, methods=["post"], life="all")
    def restore(self: Any, request: Any, pk: str) -> Response:
        """Restore a deleted row with what its deletion took along; a living one stays as it is.

        With `dry_run` the answer is the same, a conflict as well, and nothing is written.
        """
        wish = self.wish(RestoreSerializer)
        with self.writing(wish["reason"] or None):
            row = self.get_object(lock=True)
            check_row_if_asked(self, row)
            if row.is_deleted:
                self.refuse_return(row)
                row.undelete()
            shown = self.get_serializer(row).data
            if wish["dry_run"]:
                transaction.set_rollback(True)
        return Response(shown)
