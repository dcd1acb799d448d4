"""How the change feed looks, for the OpenAPI document and for the answer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from smartmodels.rest.histories import ActorSerializer

__all__ = ["ChangesSerializer", "EntrySerializer"]


class EntryActorSerializer(ActorSerializer):
    """Who acted."""

    kind = serializers.CharField(allow_null=True)
    label = serializers.CharField(allow_null=True)
    user = serializers.UUIDField(allow_null=True)


class EntrySerializer(serializers.Serializer[Any]):
    """One version of one row: that something changed, and what; not the values."""

    resource = serializers.CharField(help_text="The path of its endpoint, such as `studies`.")
    id = serializers.CharField()
    version = serializers.IntegerField(help_text="Its number, as in `/{resource}/{id}/history/{version}/`.")
    action = serializers.CharField(help_text="create, update, soft_delete, restore, revert, purge, ...")
    operation = serializers.UUIDField(allow_null=True)
    actor = EntryActorSerializer()
    at = serializers.DateTimeField()
    changed = serializers.ListField(
        child=serializers.CharField(), help_text="Fields that differ from the version before; `state`, too."
    )


@extend_schema_serializer(many=False)
class ChangesSerializer(serializers.Serializer[Any]):
    """What changed since a cursor, oldest first."""

    results = EntrySerializer(many=True)
    cursor = serializers.CharField(help_text="Where to read on: `?since=` of the next request.")
    more = serializers.BooleanField(help_text="There is more already; a page may be empty all the same.")
