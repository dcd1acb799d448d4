"""The sharing policy of the namespace over REST, for its owner and admins."""

from __future__ import annotations

from typing import Any

from shared_apps.sharing.models import SharingPolicy
from smartmodels.context import require_namespace
from smartmodels.rest import (
    ApiView,
    ManagerPermission,
    Response,
    StrictSerializer,
    extend_schema,
    serializers,
)
from smartmodels.rest.bulk import IdempotencyMixin, RehearsalMixin
from smartmodels.sharing import GrantRole, Sharing, policy_of, set_policy

__all__ = ["SharingPolicySerializer", "SharingPolicyView"]


class SharingPolicySerializer(StrictSerializer):
    """What a namespace lets out and takes in; what is left out is as it is for one without a policy."""

    outbound = serializers.ChoiceField(
        choices=Sharing.choices, default=Sharing.APPROVE.value,
        help_text="`approve`: owners and admins share rows; `auto`: everybody those they may change.",
    )  # fmt: skip
    inbound = serializers.ChoiceField(
        choices=Sharing.choices, default=Sharing.APPROVE.value,
        help_text="`approve`: owners and admins accept offers; `auto`: they are taken at once.",
    )  # fmt: skip
    partners = serializers.ListField(
        child=serializers.CharField(max_length=31), default=list, max_length=1000,
        help_text="Slugs: nothing goes to or comes from anybody else. Empty: no limit.",
    )  # fmt: skip
    highest_role = serializers.ChoiceField(choices=GrantRole.choices, default=GrantRole.MANAGE.value)
    default_days = serializers.IntegerField(
        min_value=1, max_value=36500, allow_null=True, default=None,
        help_text="Days until a grant expires that names no end; null: it does not.",
    )  # fmt: skip


class SharingPolicyView(IdempotencyMixin, RehearsalMixin, ApiView):
    """What this namespace lets out and takes in."""

    permission_classes = (ManagerPermission,)
    serializer_class = SharingPolicySerializer
    keeps_reason = True

    @extend_schema(responses=SharingPolicySerializer)
    def get(self, request: Any) -> Response:
        """Read the policy."""
        return self._shown(policy_of(require_namespace()))

    @extend_schema(responses=SharingPolicySerializer)
    def put(self, request: Any) -> Response:
        """Set the policy; grants that there are stay as they are."""
        given = SharingPolicySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with self.writing():
            policy = set_policy(require_namespace(), **given.validated_data)
        return self._shown(policy)

    @staticmethod
    def _shown(policy: SharingPolicy) -> Response:
        return Response(SharingPolicySerializer(policy).data)
