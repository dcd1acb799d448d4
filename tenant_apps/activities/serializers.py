"""Activities as JSON."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.contenttypes.models import ContentType

from smartmodels.exceptions import InvalidInput
from smartmodels.models import resource_labels, resource_model
from smartmodels.rest import SMART_FIELDS, SmartSerializer, serializers
from smartmodels.rest.shapes import TEXT
from tenant_apps.activities.models import Activity
from tenant_apps.activities.services import type_of

__all__ = ["ActivitySerializer", "SummarySerializer"]

_WORDLESS = "|".join(kind for kind in Activity.Kind if kind != Activity.Kind.COMMENT)
_COMMENTED = {
    "anyOf": [
        {
            "properties": {"kind": {"pattern": f"^({_WORDLESS})$"}, "text": {"maxLength": 0}},
            "required": ["kind"],
        },
        {
            "properties": {"kind": {"pattern": "^comment$"}, "text": {"pattern": TEXT}},
            "required": ["kind", "text"],
        },
    ]
}
_FIXED = ("kind", "resource_type", "resource_id")


class ResourceTypeField(serializers.Field):  # type: ignore[type-arg]
    """A kind of resource as ``app.model``; the type rows live in the public schema and are kept in memory."""

    def describe(self, schema: Any) -> dict[str, Any]:
        """Return the schema of the field."""
        return {"type": "string", "pattern": f"^({'|'.join(map(re.escape, resource_labels()))})$"}

    def get_attribute(self, instance: Any) -> Any:
        return instance.resource_type_id

    def to_representation(self, value: Any) -> str:
        found = ContentType.objects.get_for_id(value)
        return f"{found.app_label}.{found.model}"

    def to_internal_value(self, data: Any) -> ContentType:
        try:
            return type_of(resource_model(data if isinstance(data, str) else ""))
        except InvalidInput as error:
            raise serializers.ValidationError(error.message, code="invalid") from error


class ActivitySerializer(SmartSerializer):
    """What somebody does with a resource; only the text of a comment can change afterwards."""

    resource_type = ResourceTypeField()
    together = _COMMENTED

    class Meta:
        model = Activity
        fields = (*SMART_FIELDS, "kind", "resource_type", "resource_id", "text", "via")
        read_only_fields = (*SMART_FIELDS, "via")

    def validate(self, attrs: Any) -> Any:
        """Leave new rows to the service; of an old one only the text may differ."""
        if self.instance is None:
            return attrs
        row: Any = self.instance
        current = {"kind": row.kind, "resource_type": row.resource_type_id, "resource_id": row.resource_id}
        given = {name: getattr(attrs[name], "pk", attrs[name]) for name in _FIXED if name in attrs}
        if moved := [name for name, value in given.items() if value != current[name]]:
            message = "This cannot change: delete the activity and make another one."
            raise serializers.ValidationError(
                {name: serializers.ErrorDetail(message, code="read-only-field") for name in moved}
            )
        if row.kind != Activity.Kind.COMMENT and attrs.get("text"):
            raise serializers.ValidationError({"text": "Only a comment has a text."})
        if row.kind == Activity.Kind.COMMENT and not attrs.get("text", row.text).strip():
            raise serializers.ValidationError({"text": "A comment needs a text."}, code="required")
        return {name: attrs[name] for name in ("text",) if name in attrs}


class CountsSerializer(serializers.Serializer[Any]):
    """How often each kind of activity stands on a resource."""

    comment = serializers.IntegerField()
    favourite = serializers.IntegerField()
    like = serializers.IntegerField()
    up_vote = serializers.IntegerField()
    down_vote = serializers.IntegerField()


class SummarySerializer(serializers.Serializer[Any]):
    """The activities on one resource."""

    counts = CountsSerializer()
    own = serializers.ListField(child=serializers.CharField(), help_text="The kinds that are one's own.")
