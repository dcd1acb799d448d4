"""The REST API of activities, and their summary at every resource."""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType

from smartmodels.exceptions import InvalidInput
from smartmodels.models import resource_model
from smartmodels.rest import (
    SMART_FIELDS,
    ResourceViewSet,
    Response,
    SmartSerializer,
    SmartViewSet,
    action,
    extend,
    extend_schema,
    extend_schema_field,
    register,
    serializers,
)
from smartmodels.rest.access.scoping import require_within_scope
from smartmodels.rest.served import path_of
from tenant_apps.activities.models import Activity
from tenant_apps.activities.services import record, summarise, type_of

__all__ = ["ActivityViewSet", "ResourceActivities"]

_FIXED = ("kind", "resource_type", "resource_id")


@extend_schema_field({"type": "string", "pattern": r"^[a-z_]+\.[a-z_]+$", "examples": ["research.study"]})
class ResourceTypeField(serializers.Field):  # type: ignore[type-arg]
    """A kind of resource as ``app.model``; the type rows live in the public schema and are kept in memory."""

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

    class Meta:
        model = Activity
        fields = (*SMART_FIELDS, "kind", "resource_type", "resource_id", "text")
        read_only_fields = SMART_FIELDS

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


@register(Activity)
class ActivityViewSet(SmartViewSet):
    """Comments, favourites, likes and votes on the resources of the namespace."""

    serializer_class = ActivitySerializer

    @extend_schema(responses={200: ActivitySerializer, 201: ActivitySerializer})
    def create(self, request: Any) -> Response:
        """Comment, favourite, like or vote: 201 for a new activity, 200 for one that was there already.

        An up-vote turns one's own down-vote round, and the other way about.
        """
        serializer = self.get_serializer(data=request.data)
        with self.writing():
            serializer.is_valid(raise_exception=True)
            given = dict(serializer.validated_data)
            model: Any = given.pop("resource_type").model_class()
            outcome = record(model=model, **given)
        data = self.get_serializer(outcome.activity).data
        return self.created(outcome.activity, data) if outcome.created else Response(data)


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


@extend(ResourceViewSet)
class ResourceActivities:
    """``GET /{id}/activities/`` at every resource."""

    @extend_schema(responses=SummarySerializer)
    @action(detail=True, filter_backends=(), pagination_class=None)
    def activities(self: Any, request: Any, pk: str) -> Response:
        """Count comments, favourites, likes and votes, and name the kinds that are one's own."""
        row = self.get_object()
        require_within_scope(request, str(path_of(Activity)), "read")
        return Response(SummarySerializer(summarise(type(row), row.pk)).data)
