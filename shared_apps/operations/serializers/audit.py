"""What is told of the audit."""

from __future__ import annotations

from typing import Any

from smartmodels.rest import serializers
from smartmodels.tenancy.audit import Outcome

__all__ = ["AuditEntrySerializer", "AuditFilterSerializer"]


class AuditFilterSerializer(serializers.Serializer[Any]):
    """Which entries are wanted."""

    slug = serializers.CharField(required=False, max_length=31, help_text="Of namespaces of this slug.")
    action = serializers.CharField(
        required=False, max_length=40, help_text="Of this action, such as `suspend`."
    )
    outcome = serializers.ChoiceField(required=False, choices=Outcome.choices)


class AuditEntrySerializer(serializers.Serializer[Any]):
    """What was done to a namespace, or refused."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    namespace = serializers.UUIDField(source="namespace_id")
    slug = serializers.CharField(help_text="As it was then.")
    actor = serializers.CharField(source="said_by", help_text="Who acted, as the account is called now.")
    operation = serializers.UUIDField(source="operation_id")
    subject = serializers.UUIDField(
        source="subject_id", allow_null=True, help_text="The account that it was about."
    )
    reason = serializers.CharField()
    details = serializers.DictField()
    message = serializers.CharField()
