"""Grants as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from shared_apps.sharing.models import Grant
from smartmodels.context import require_namespace
from smartmodels.rest import StrictSerializer, serializers
from smartmodels.sharing import GrantRole, GrantStatus

__all__ = ["GrantSerializer", "NewGrantSerializer"]


class NewGrantSerializer(StrictSerializer):
    """What sharing a row asks for."""

    resource_type = serializers.CharField(max_length=100, help_text="Such as research.study.")
    resource_id = serializers.UUIDField()
    namespace = serializers.CharField(max_length=31, help_text="Slug of the namespace to share with.")
    role = serializers.ChoiceField(choices=GrantRole.choices, default=GrantRole.VIEW.value)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, given: datetime | None) -> datetime | None:
        """Return the end of the grant; raise ValidationError for one that is past."""
        if given is not None and given <= timezone.now():
            raise serializers.ValidationError("This is past: name a moment to come, or none.", code="past")
        return given


class GrantSerializer(serializers.ModelSerializer[Grant]):
    """A grant, as both sides see it."""

    resource_type = serializers.CharField(source="resource.model")
    resource_id = serializers.UUIDField(source="resource.resource_id")
    resource_label = serializers.SerializerMethodField(
        help_text="Its title; null for the other side once the grant shows nothing any more."
    )
    home = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    target = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)

    class Meta:
        model = Grant
        fields = (
            "id", "resource_type", "resource_id", "resource_label", "home", "target", "role", "status",
            "expires_at", "created_at", "decided_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_resource_label(self, grant: Grant) -> str | None:
        """Return the title: to its home always, to the other side while the grant is, or may become, good."""
        over = grant.expires_at is not None and grant.expires_at <= timezone.now()
        shows = grant.status in (GrantStatus.ACTIVE, GrantStatus.PENDING) and not over
        return grant.resource.label if shows or grant.home_id == require_namespace().pk else None
