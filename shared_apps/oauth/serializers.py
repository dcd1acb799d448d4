"""What an application is asked for by, and how it is shown."""

from __future__ import annotations

from typing import Any, ClassVar

from shared_apps.oauth.services import GRANTS
from smartmodels.rest import NamedField, ShapedField, StrictSerializer, serializers
from smartmodels.rest.access.scoping import lists_here
from smartmodels.tenancy.keys import KeyRole
from smartmodels.tenancy.scopes import SCOPE_SHAPE, SCOPES_MAX

__all__ = ["ApplicationSerializer", "NewApplicationSerializer", "ShownApplicationSerializer"]

_ADDRESS = r"^https://[a-z0-9][a-z0-9.-]{0,200}(?:/[!-\"$-~]*)?$"
_BY_PEOPLE = {
    "properties": {"redirect_uris": {"minItems": 1}, "grant": {"const": GRANTS[0]}},
    "required": ["redirect_uris"],
}
_BY_ITSELF = {
    "properties": {"grant": {"const": GRANTS[1]}, "public": {"const": False}},
    "required": ["grant"],
}


class ApplicationSerializer(serializers.Serializer[Any]):
    """An application, as it can be read any time."""

    client_id = serializers.CharField()
    name = serializers.CharField()
    grant = serializers.ChoiceField(GRANTS, source="authorization_grant_type")
    redirect_uris = serializers.SerializerMethodField()
    role = serializers.ChoiceField(KeyRole.choices, help_text="For client credentials.")
    scopes = serializers.ListField(child=serializers.CharField(), help_text="The most that it may ask for.")
    public = serializers.SerializerMethodField(help_text="Whether it can keep no secret.")
    maker = serializers.UUIDField(source="user_id")
    created_at = serializers.DateTimeField(source="created")

    def get_redirect_uris(self, row: Any) -> list[str]:
        """Return where people may be sent back to."""
        return list(row.redirect_uris.split())

    def get_public(self, row: Any) -> bool:
        """Tell whether it has no secret."""
        return bool(row.client_type == "public")


class ShownApplicationSerializer(ApplicationSerializer):
    """A new application with its secret."""

    client_secret = serializers.CharField(
        source="shown_secret", allow_null=True, help_text="Cannot be read again; a public one has none."
    )


class NewApplicationSerializer(StrictSerializer):
    """What an application is to be."""

    # People are sent back somewhere; who is its own client keeps a secret.
    together: ClassVar[dict[str, Any]] = {"anyOf": [_BY_ITSELF, _BY_PEOPLE]}

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=NamedField(names=lists_here, shape=SCOPE_SHAPE, max_length=80),
        min_length=1,
        max_length=SCOPES_MAX,
    )
    grant = serializers.ChoiceField(GRANTS, default=GRANTS[0])
    redirect_uris = serializers.ListField(
        child=ShapedField(shape=_ADDRESS, max_length=500), max_length=10, default=list
    )
    role = serializers.ChoiceField(KeyRole.choices, default=KeyRole.MEMBER.value)
    public = serializers.BooleanField(default=False)
