"""Bring a row back to an earlier version: look first, then do it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from smartmodels.history import apply_revert, plan_revert
from smartmodels.rest.histories import ChangeSerializer
from smartmodels.rest.lists import check_row_if_asked
from smartmodels.rest.serializing import StrictSerializer
from smartmodels.rest.views import REASON_MAX

__all__ = ["ConflictSerializer", "RevertMixin", "writable_fields"]

_VERSION_MAX = 2**63 - 1


class RevertSerializer(StrictSerializer):
    """What to go back to."""

    version = serializers.IntegerField(min_value=1, max_value=_VERSION_MAX)
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would change.")
    reason = serializers.CharField(
        default="", allow_blank=True, max_length=REASON_MAX, help_text="Why: kept in history."
    )


class ConflictSerializer(serializers.Serializer[Any]):
    """Why the revert cannot be applied."""

    field = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField()


class RevertOutcomeSerializer(serializers.Serializer[Any]):
    """What a revert changes, or would change."""

    version = serializers.IntegerField()
    applied = serializers.BooleanField()
    restores = serializers.BooleanField(help_text="The row was deleted and comes back.")
    changes = ChangeSerializer(many=True)
    conflicts = ConflictSerializer(many=True)
    row = serializers.DictField(help_text="The row as it is now.")


class RevertMixin:
    """``POST /{id}/revert/``: to a version of this very row, the fields that this API lets be written."""

    @extend_schema(request=RevertSerializer, responses={200: RevertOutcomeSerializer})
    @action(detail=True, methods=["post"], life="all")
    def revert(self: Any, request: Any, pk: str) -> Response:
        """Bring a row back to an earlier version, as an operation of its own; with `dry_run`, only look."""
        wish = self.wish(RevertSerializer)
        with self.writing(wish["reason"] or None):
            row = self.get_object(lock=not wish["dry_run"])
            check_row_if_asked(self, row)
            self.check_version(row, wish["version"])
            plan = plan_revert(row, wish["version"], writable=lambda _: writable_fields(self))
            if not wish["dry_run"]:
                if plan.restores:
                    self.refuse_return(row)
                apply_revert(plan)
            now = self.get_serializer(self.read_again(row)).data
        answer = {
            "version": plan.version,
            "applied": not wish["dry_run"],
            "restores": plan.restores,
            "changes": plan.changes,
            "conflicts": plan.conflicts,
            "row": now,
        }
        return Response(RevertOutcomeSerializer(answer).data)


def writable_fields(view: Any) -> frozenset[str]:
    """Return the fields that the caller may write through this view: only these are reverted (DESIGN H4)."""
    fields = view.get_serializer().fields.values()
    return frozenset(str(field.source) for field in fields if not field.read_only)
