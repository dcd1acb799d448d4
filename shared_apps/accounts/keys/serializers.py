"""What a key is asked for by, and how it is shown: never by its secret, but the one time."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from smartmodels.rest import NamedField, StrictSerializer, serializers
from smartmodels.rest.access.scoping import lists_here
from smartmodels.tenancy.keys import MARK, KeyRole
from smartmodels.tenancy.scopes import SCOPE_SHAPE, SCOPES_MAX

__all__ = ["KeySerializer", "NewKeySerializer", "RotationSerializer", "ShownKeySerializer"]


class KeySerializer(serializers.Serializer[Any]):
    """A key, as it can be read any time."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.SerializerMethodField(help_text="How the key begins.")
    role = serializers.ChoiceField(KeyRole.choices)
    scopes = serializers.ListField(child=serializers.CharField())
    maker = serializers.UUIDField(source="maker_id", help_text="What the key makes belongs to this account.")
    state = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")
    revoked_at = serializers.DateTimeField(allow_null=True)
    replaced_by = serializers.UUIDField(source="replaced_by_id", allow_null=True)

    def get_prefix(self, key: Any) -> str:
        """Return what scanners and logs know the key by."""
        return f"{MARK}{key.prefix}"

    def get_state(self, key: Any) -> str:
        """Return active, replaced, expired or revoked."""
        return str(key.state_at(timezone.now()))


class ShownKeySerializer(KeySerializer):
    """A new key with its secret."""

    key = serializers.CharField(help_text="Cannot be read again; send it as `Authorization: Bearer <key>`.")


class NewKeySerializer(StrictSerializer):
    """What a key is to be."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=NamedField(names=lists_here, shape=SCOPE_SHAPE, max_length=80),
        min_length=1,
        max_length=SCOPES_MAX,
    )
    role = serializers.ChoiceField(KeyRole.choices, default=KeyRole.MEMBER.value)
    expires_at = serializers.DateTimeField(allow_null=True, default=None)


class RotationSerializer(StrictSerializer):
    """For how long the old key stays good beside the new one."""

    overlap_hours = serializers.IntegerField(min_value=0, max_value=720, default=24)
