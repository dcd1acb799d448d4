"""What one user did in the namespace, undone as a whole."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from smartmodels.context import require_namespace
from smartmodels.history import plan_revert_user
from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.moments import moment_of
from smartmodels.rest.permissions import ManagerPermission
from smartmodels.rest.registry import registered
from smartmodels.rest.undoing import UndoneSerializer, UndoSerializer, undo
from smartmodels.rest.views import GenericApiViewSet
from smartmodels.tenancy.models import get_membership_model

__all__ = ["UserWorkViewSet"]

_TIME = {"type": "string", "format": "date-time"}


class UserWorkViewSet(GenericApiViewSet):
    """What users did here: for the owner and the admins of the namespace."""

    permission_classes = (ManagerPermission,)
    serializer_class = UndoneSerializer
    parameters = frozenset({"since", "until"})
    lookup_value_regex = r"[0-9a-fA-F-]{1,36}"

    @extend_schema(
        request=UndoSerializer,
        responses={200: UndoneSerializer},
        parameters=[
            OpenApiParameter("since", _TIME, required=True, description="From this time on."),
            OpenApiParameter("until", _TIME, description="Before this time; up to now without it."),
        ],
    )
    @action(detail=True, methods=["post"])
    def revert(self, request: Any, pk: str) -> Response:
        """Undo everything that a user did here in a time; with `dry_run`, only look.

        They may have left meanwhile. What others changed since is a conflict, settled by `strategy`.
        """
        given = request.query_params
        if "since" not in given:
            raise InvalidParameter("since", "Say from which time on, in ISO 8601.")
        since = moment_of("since", given["since"])
        until = moment_of("until", given["until"]) if "until" in given else None
        if until is not None and until <= since:
            raise InvalidParameter("until", "This is not later than `since`.")
        user_id = self.key()
        if not was_here(user_id):
            raise NotFound("Nobody of this key has ever been here.")
        return undo(self, partial(plan_revert_user, user_id, since, until))


def was_here(user_id: uuid.UUID) -> bool:
    """Tell whether the account is a member of the bound namespace, or wrote anything in it."""
    members = get_membership_model().objects.filter(namespace_id=require_namespace().pk, user_id=user_id)
    return members.exists() or any(
        viewset.model.history.filter(history_user_id=user_id).exists() for viewset in registered().values()
    )
