"""Webhooks and their deliveries as JSON."""

from __future__ import annotations

from typing import Any

from shared_apps.webhooks.models import Delivery, Webhook
from smartmodels.exceptions import InvalidInput
from smartmodels.rest import FullExposure, NamedField, ShapedField, StrictSerializer, serializers
from smartmodels.webhooks import URL_PATTERN, check_url

__all__ = ["DeliveryDetailSerializer", "DeliverySerializer", "WebhookSecretSerializer", "WebhookSerializer"]

_WORDS_MAX = 50


def _paths() -> set[str]:
    exposure = FullExposure()
    return {exposure.path(model) for model in exposure.models}


def _words(child: serializers.CharField, about: str) -> serializers.ListField:
    return serializers.ListField(child=child, required=False, max_length=_WORDS_MAX, help_text=about)


class WebhookSerializer(StrictSerializer, serializers.ModelSerializer[Webhook]):
    """Where changes of this namespace are sent."""

    url = ShapedField(shape=URL_PATTERN, max_length=2000, help_text="https://, a public host, a path.")
    resources = _words(
        NamedField(names=_paths, max_length=100),
        "Only changes of these, such as `studies`; all if it is empty.",
    )
    actions = _words(
        serializers.CharField(max_length=100),
        "Only these: create, update, soft_delete, restore, purge, ..., and of grants grant.offered, "
        "grant.accepted, grant.revoked, ...; all if it is empty.",
    )
    created_by = serializers.UUIDField(source="created_by_id", read_only=True, allow_null=True)

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = (
            "id",
            "url",
            "description",
            "resources",
            "actions",
            "active",
            "disabled_because",
            "failures",
            "created_at",
            "created_by",
        )
        read_only_fields: tuple[str, ...] = ("id", "disabled_because", "failures", "created_at")

    def validate_url(self, url: str) -> str:
        """Refuse what nothing is sent to; its name is looked up when something is sent."""
        try:
            check_url(url)
        except InvalidInput as error:
            raise serializers.ValidationError(error.message, code="invalid-url") from error
        return url

    def validate_resources(self, names: list[str]) -> list[str]:
        """Refuse what is no endpoint here."""
        known = _paths()
        if strange := sorted(set(names) - known):
            listed = ", ".join(sorted(known))
            raise serializers.ValidationError(f"There is no {strange[0]!r} here, only: {listed}.")
        return names


class WebhookSecretSerializer(WebhookSerializer):
    """A webhook with its secret, which is shown this once."""

    secret = serializers.CharField(read_only=True, help_text="Signs what is sent: keep it at the receiver.")

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")
        read_only_fields = (*WebhookSerializer.Meta.read_only_fields, "secret")


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One message, and what became of it."""

    message = serializers.CharField(source="message_id", help_text="The header `webhook-id`.")
    state = serializers.CharField(help_text="pending, delivered, or failed: it was tried often enough.")

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = (
            "id",
            "message",
            "changes",
            "state",
            "attempts",
            "status",
            "error",
            "seconds",
            "created_at",
            "due_at",
            "delivered_at",
        )
        read_only_fields = fields


class DeliveryDetailSerializer(DeliverySerializer):
    """One message with what was sent."""

    body = serializers.CharField(help_text="As it was sent, JSON.")

    class Meta(DeliverySerializer.Meta):
        fields: tuple[Any, ...] = (*DeliverySerializer.Meta.fields, "body")
        read_only_fields = fields
