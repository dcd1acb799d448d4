"""What the endpoints that undo have in common: what they are told, and what they tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from smartmodels.history import RevertPlan, apply_revert, resolve
from smartmodels.history.resolving import STRATEGIES
from smartmodels.rest.histories import ChangeSerializer
from smartmodels.rest.reverting import ConflictSerializer
from smartmodels.rest.rights import Rights
from smartmodels.rest.serializing import StrictSerializer
from smartmodels.rest.views import REASON_MAX

__all__ = ["UndoSerializer", "UndoneSerializer", "undo"]

STEPS = ("insert", "restore", "update", "delete")
"""What undoing does to a row."""

_ROWS_SHOWN = 1000


class UndoSerializer(StrictSerializer):
    """How to undo."""

    strategy = serializers.ChoiceField(
        choices=STRATEGIES,
        allow_null=True,
        default=None,
        help_text="What becomes of rows with conflicts: skip leaves them out, force writes over what others "
        "changed since, merge writes what is not in dispute. Without one, a conflict is a refusal.",
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would change.")
    reason = serializers.CharField(
        default="", allow_blank=True, max_length=REASON_MAX, help_text="Why: kept in history."
    )


class RowUndoneSerializer(serializers.Serializer[Any]):
    """What becomes of one row."""

    model = serializers.CharField(source="model._meta.label_lower")
    key = serializers.CharField(source="pk")
    label = serializers.CharField()  # type: ignore[assignment]
    step = serializers.ChoiceField(choices=STEPS)
    changes = ChangeSerializer(many=True)
    conflicts = ConflictSerializer(many=True)
    notes = ConflictSerializer(many=True)


class UndoneSerializer(serializers.Serializer[Any]):
    """What was undone, or would be."""

    applied = serializers.BooleanField()
    operation = serializers.UUIDField(
        allow_null=True, help_text="The operation that did it, by which it can be undone in turn."
    )
    strategy = serializers.CharField(allow_null=True)
    total = serializers.IntegerField(help_text="Rows that change.")
    rows = RowUndoneSerializer(many=True, help_text=f"The first {_ROWS_SHOWN} rows, parents first.")
    left = RowUndoneSerializer(many=True, help_text="Rows that the strategy left out; as many at most.")


def undo(view: Any, planned: Callable[..., RevertPlan]) -> Response:
    """Plan with the rights of the caller, settle as asked, apply unless it is a dry run, and answer.

    ``planned`` is called with ``may`` and ``writable``. Raises RevertConflict for what is in the way.
    """
    given = UndoSerializer(data=view.request.data)
    given.is_valid(raise_exception=True)
    wish, rights = given.validated_data, Rights(view.request)
    operation_id = None
    with view.writing(wish["reason"] or None):
        plan = planned(may=rights.may, writable=rights.writable)
        if wish["strategy"] is not None:
            plan = resolve(plan, wish["strategy"])
        if not wish["dry_run"]:
            operation_id = apply_revert(plan).operation_id
    answer = {
        "applied": not wish["dry_run"],
        "operation": operation_id,
        "strategy": plan.strategy,
        "total": len(plan.rows),
        "rows": plan.rows[:_ROWS_SHOWN],
        "left": plan.left[:_ROWS_SHOWN],
    }
    return Response(UndoneSerializer(answer).data)
