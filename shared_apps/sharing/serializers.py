"""Grants as JSON."""

from __future__ import annotations

from typing import Any

from shared_apps.sharing.models import Grant
from smartmodels.rest import StrictSerializer, serializers
from smartmodels.sharing import GrantRole

__all__ = ["GrantSerializer", "NewGrantSerializer"]


class NewGrantSerializer(StrictSerializer):
    """What sharing a row asks for."""

    resource_type = serializers.CharField(max_length=100, help_text="Such as research.study.")
    resource_id = serializers.UUIDField()
    namespace = serializers.CharField(max_length=31, help_text="Slug of the namespace to share with.")
    role = serializers.ChoiceField(choices=GrantRole.choices, default=GrantRole.VIEW.value)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class GrantSerializer(serializers.ModelSerializer[Grant]):
    """A grant, as both sides see it."""

    resource_type = serializers.CharField(source="resource.model")
    resource_id = serializers.UUIDField(source="resource.resource_id")
    resource_label = serializers.CharField(source="resource.label")
    home = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    target = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)

    class Meta:
        model = Grant
        fields = (
            "id", "resource_type", "resource_id", "resource_label", "home", "target", "role", "status",
            "expires_at", "created_at", "decided_at",
        )  # fmt: skip
        read_only_fields = fields
