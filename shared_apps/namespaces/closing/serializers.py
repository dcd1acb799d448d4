"""Accounts and what happens to them, as JSON."""

from __future__ import annotations

from typing import Any

from shared_apps.accounts.models import User
from shared_apps.namespaces.closing.describing import state_of_account
from shared_apps.namespaces.models import Work
from smartmodels.rest import StrictSerializer, serializers

__all__ = [
    "AccountChangeSerializer",
    "AccountDetailSerializer",
    "AccountSummarySerializer",
    "AnonymisingSerializer",
    "ClosingSerializer",
    "DryRunSerializer",
    "OwnClosingSerializer",
]


class AccountSummarySerializer(serializers.ModelSerializer[User]):
    """An account."""

    state = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields: tuple[str, ...] = (
            "id", "email", "name", "state", "is_staff",
            "joined_at", "last_login", "closed_at", "anonymised_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_state(self, user: User) -> str:
        """Return how the account stands: open, inactive, closed or anonymised."""
        return state_of_account(user)


class MemberOfSerializer(serializers.Serializer[Any]):
    """A namespace and the account's role there."""

    namespace = serializers.CharField()
    role = serializers.CharField()


class WorkSerializer(serializers.Serializer[Any]):
    """What was, or is being, done in the namespaces, as one operation."""

    work = serializers.ChoiceField(choices=Work.choices)
    operation_id = serializers.UUIDField(allow_null=True)
    namespaces = serializers.IntegerField()
    rows_done = serializers.IntegerField()


class AccountDetailSerializer(serializers.Serializer[Any]):
    """All that is known of an account."""

    id = serializers.UUIDField()
    email = serializers.CharField()
    name = serializers.CharField()
    state = serializers.CharField(help_text="open, inactive, closed or anonymised")
    joined_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    restorable_until = serializers.DateTimeField(allow_null=True)
    anonymised_at = serializers.DateTimeField(allow_null=True)
    memberships = MemberOfSerializer(many=True)
    work = WorkSerializer(many=True)
    left = serializers.ListField(
        child=serializers.CharField(),
        help_text="Namespaces in which work is left; the worker goes on with it.",
    )


class AccountChangeSerializer(serializers.Serializer[Any]):
    """What happened, or with `dry_run` would happen, to an account."""

    dry_run = serializers.BooleanField()
    email = serializers.CharField(help_text="What the account is called now.")
    sole_owner_of = serializers.ListField(
        child=serializers.CharField(), help_text="Namespaces that nobody else owned: `transfer_to` gets them."
    )
    memberships = serializers.ListField(
        child=serializers.CharField(), help_text="Namespaces whose membership ended, or came back."
    )
    rows = serializers.DictField(child=serializers.IntegerField(), help_text="Rows by namespace.")
    left = serializers.ListField(
        child=serializers.CharField(), help_text="Namespaces that are not finished; the worker goes on."
    )
    operation_id = serializers.UUIDField(allow_null=True, help_text="One for all namespaces.")


class DryRunSerializer(StrictSerializer):
    """Whether to say only what would happen."""

    dry_run = serializers.BooleanField(required=False, default=False)


class ClosingSerializer(DryRunSerializer):
    """Who takes over what only this account owns."""

    transfer_to = serializers.EmailField(
        required=False, allow_null=True, max_length=254, help_text="Address of the new owner."
    )


class AnonymisingSerializer(DryRunSerializer):
    """The address once more, so that nobody is forgotten by mistake."""

    confirm = serializers.CharField(
        required=False, max_length=254, help_text="The account's address; needed unless `dry_run`."
    )


class OwnClosingSerializer(StrictSerializer):
    """The password once more; not needed with a token that is a few minutes old."""

    password = serializers.CharField(required=False, max_length=1024, trim_whitespace=False)
    transfer_to = serializers.EmailField(
        required=False, allow_null=True, max_length=254, help_text="New owner of what only this account owns."
    )
