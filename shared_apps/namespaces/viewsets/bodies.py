"""What is sent to change a namespace, and what is told of hosts and members."""

from __future__ import annotations

from typing import Any

from shared_apps.namespaces.closing.serializers import DryRunSerializer
from smartmodels.management.namespaces.domains import describe_domain
from smartmodels.rest import ShapedField, StrictSerializer, serializers
from smartmodels.tenancy.models import HostState, Role
from smartmodels.tenancy.names import HOST_PATTERN, SLUG_PATTERN

__all__ = [
    "DomainSerializer",
    "MaintenanceSerializer",
    "MemberSerializer",
    "NewDomainSerializer",
    "NewMemberSerializer",
    "PurgeSerializer",
    "RenameSerializer",
    "RoleSerializer",
]


class MaintenanceSerializer(DryRunSerializer):
    """Begin or end maintenance."""

    on = serializers.BooleanField()
    message = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    minutes = serializers.FloatField(
        required=False, allow_null=True, default=None, min_value=0.1, max_value=525_600,
        help_text="How long it will take; Retry-After counts down to it.",
    )  # fmt: skip


class RenameSerializer(DryRunSerializer):
    """The new slug."""

    slug = ShapedField(shape=SLUG_PATTERN, max_length=31)


class PurgeSerializer(StrictSerializer):
    """The slug once more, since there is no way back."""

    confirm = serializers.CharField(max_length=31)
    now = serializers.BooleanField(default=False, help_text="Do not wait for the end of the grace period.")


class NewDomainSerializer(DryRunSerializer):
    """A further host."""

    host = ShapedField(shape=HOST_PATTERN, max_length=253)


class DomainSerializer(serializers.Serializer[Any]):
    """A host; of a pending one, the TXT record that is waited for."""

    host = serializers.CharField()
    state = serializers.ChoiceField(choices=HostState.choices)
    primary = serializers.BooleanField()
    txt_name = serializers.CharField(required=False)
    txt_text = serializers.CharField(required=False, allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return what the command says of it."""
        return describe_domain(instance)


class RoleSerializer(DryRunSerializer):
    """Another role."""

    role = serializers.ChoiceField(choices=Role.choices)


class NewMemberSerializer(RoleSerializer):
    """Who is to join; an account is made if there is none of the address."""

    email = serializers.EmailField(max_length=254)


class MemberSerializer(serializers.Serializer[Any]):
    """A member."""

    user = serializers.UUIDField(source="user_id")
    email = serializers.EmailField(source="user.email")
    role = serializers.ChoiceField(choices=Role.choices)
    joined_at = serializers.DateTimeField()
    initial_password = serializers.CharField(
        required=False, help_text="Of a new account; it cannot be read again."
    )
