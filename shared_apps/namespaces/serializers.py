"""Namespaces as JSON, for staff on the public host."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from shared_apps.namespaces.models import Namespace
from smartmodels.rest import ShapedField, StrictSerializer, extend_schema_field, serializers
from smartmodels.tenancy.models import HostState, State
from smartmodels.tenancy.names import SLUG_PATTERN, primary_host

__all__ = [
    "ConfirmationSerializer",
    "NamespaceSerializer",
    "NewNamespaceSerializer",
    "ProvisionedSerializer",
]


class NewNamespaceSerializer(StrictSerializer):
    """What provisioning asks for."""

    slug = ShapedField(
        shape=SLUG_PATTERN,
        max_length=31,
        help_text="Its subdomain: a to z, 0 to 9 and single hyphens, beginning with a letter.",
    )
    name = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="What people call it; the slug if empty."
    )
    owner = serializers.EmailField(
        max_length=254, help_text="E-mail address; an account is made if there is none of it."
    )


class ConfirmationSerializer(StrictSerializer):
    """The slug once more, so that nothing is deleted by mistake."""

    confirm = serializers.CharField(max_length=31)


class NamespaceSerializer(serializers.ModelSerializer[Namespace]):
    """A namespace."""

    state = serializers.ChoiceField(choices=State.choices, read_only=True)
    host = serializers.SerializerMethodField(help_text="The primary host.")
    url = serializers.SerializerMethodField(help_text="Where people reach it.")
    hosts = serializers.SerializerMethodField(help_text="Every host it is served on.")

    class Meta:
        model = Namespace
        fields: tuple[str, ...] = (
            "slug",
            "name",
            "state",
            "host",
            "url",
            "hosts",
            "step",
            "error",
            "created_at",
            "activated_at",
            "notice",
            "back_at",
            "purge_after",
        )
        read_only_fields = fields

    def get_host(self, namespace: Namespace) -> str:
        """Return the primary host; of a half-made namespace, the one that it is going to have."""
        served = [domain for domain in namespace.domains.all() if domain.is_primary]
        return served[0].domain if served else primary_host(namespace.slug)

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, namespace: Namespace) -> str:
        """Return the address on the port that this request came to."""
        request: Any = self.context["request"]
        _, colon, port = request.get_host().rpartition(":")
        return f"{request.scheme}://{self.get_host(namespace)}{colon + port if port.isdigit() else ''}/"

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_hosts(self, namespace: Namespace) -> list[str]:
        """Return all hosts that are served, in alphabetical order."""
        hosts = namespace.domains.all()
        return sorted(domain.domain for domain in hosts if domain.state == HostState.SERVED)


class AccountSerializer(serializers.Serializer[Any]):
    """The account of a namespace's owner."""

    email = serializers.EmailField()
    created = serializers.BooleanField()
    initial_password = serializers.CharField(
        required=False, help_text="Of a new account; it cannot be read again."
    )


_PLACES = {"url": "detail", "events": "events"}


class ProvisioningSerializer(serializers.Serializer[Any]):
    """The job that makes a namespace."""

    id = serializers.IntegerField()
    url = serializers.URLField(help_text="Where to read it.")
    events = serializers.URLField(help_text="Where to follow it, as server-sent events.")


class ProvisionedSerializer(NamespaceSerializer):
    """A new namespace and its owner's account."""

    owner = serializers.SerializerMethodField()
    job = serializers.SerializerMethodField(help_text="What makes it; null when it is made.")

    class Meta(NamespaceSerializer.Meta):
        fields = (*NamespaceSerializer.Meta.fields, "owner", "job")
        read_only_fields = fields

    @extend_schema_field(AccountSerializer)
    def get_owner(self, namespace: Namespace) -> dict[str, Any]:
        """Return the account."""
        owner: dict[str, Any] = self.context["owner"]
        return owner

    @extend_schema_field(ProvisioningSerializer(allow_null=True))
    def get_job(self, namespace: Namespace) -> dict[str, Any] | None:
        """Return where to follow the making."""
        job, request = self.context["job"], self.context["request"]
        if job is None:
            return None
        places = {name: reverse(f"jobs-{view}", args=[job.pk]) for name, view in _PLACES.items()}
        return {"id": job.pk, **{name: request.build_absolute_uri(path) for name, path in places.items()}}
