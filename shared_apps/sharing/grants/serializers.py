"""Grants, what is asked for about them, and their events as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from shared_apps.sharing.grants.sides import is_on, is_party
from shared_apps.sharing.models import Grant, GrantEvent
from smartmodels.context import require_namespace, require_operation
from smartmodels.models import resource_labels
from smartmodels.querysets import is_private
from smartmodels.rest import NamedField, StrictSerializer, serializers
from smartmodels.rest.access.scoping import within_scope
from smartmodels.rest.served import path_of_label
from smartmodels.sharing import GrantEnd, GrantHistory, GrantRole, GrantStatus, status_of

__all__ = [
    "GrantEventSerializer",
    "GrantSerializer",
    "NewGrantSerializer",
    "ReshareSerializer",
    "TermsSerializer",
]

_SLUG_MAX = 31


class TermsSerializer(StrictSerializer):
    """What a grant allows, and until when."""

    role = serializers.ChoiceField(choices=GrantRole.choices, default=GrantRole.VIEW.value)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    covers_below = serializers.BooleanField(
        default=False, help_text="Whether what belongs to the row is shared like it, now and later."
    )
    may_reshare = serializers.BooleanField(default=False, help_text="Whether it may be passed on, once.")
    history = serializers.ChoiceField(
        choices=GrantHistory.choices, default=GrantHistory.NONE.value, help_text="Which versions are shown."
    )
    at_end = serializers.ChoiceField(
        choices=GrantEnd.choices, default=GrantEnd.NONE.value,
        help_text="`copy`: the other namespace gets a copy before this one goes.",
    )  # fmt: skip

    def validate_expires_at(self, given: datetime | None) -> datetime | None:
        """Return the end of the grant; raise ValidationError for one that is past."""
        if given is not None and given <= timezone.now():
            raise serializers.ValidationError("This is past: name a moment to come, or none.", code="past")
        return given


class NewGrantSerializer(TermsSerializer):
    """What sharing a row asks for."""

    resource_type = NamedField(names=resource_labels, max_length=100, help_text="Such as research.study.")
    resource_id = serializers.UUIDField()
    namespace = serializers.CharField(
        max_length=_SLUG_MAX,
        help_text="Slug of the namespace to share with; nobody says whether there is one.",
    )
    user = serializers.CharField(
        max_length=254,
        help_text="In private mode, instead: key or e-mail address of the member to share with.",
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields of the mode: rows are shared with namespaces, in private mode with users."""
        fields: dict[str, Any] = super().get_fields()
        del fields["namespace" if is_private() else "user"]
        return fields


class ReshareSerializer(TermsSerializer):
    """What passing a row on asks for: no more, and for no longer, than it is shared."""

    namespace = serializers.CharField(max_length=_SLUG_MAX)


_OF_PARTIES = ("target", "user", "source", "expires_at", "answer_by", "decided_at")


class GrantSerializer(serializers.ModelSerializer[Grant]):
    """A grant, as its sides see it; of one of others it does not say to whom, by whom and until when."""

    resource_type = serializers.CharField(source="resource.model")
    resource_id = serializers.UUIDField(source="resource.resource_id")
    resource_label = serializers.SerializerMethodField(
        help_text="Its title; null for the other side once the grant shows nothing any more."
    )
    home = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    target = serializers.SerializerMethodField(
        help_text="The namespace that it is shared with; until that has answered, the name it was offered to."
    )
    user = serializers.SerializerMethodField(
        help_text="In private mode whom it is shared with, by their e-mail address; else null."
    )
    status = serializers.SerializerMethodField()
    copied_as = serializers.SerializerMethodField(help_text="The key of the copy: for its namespace alone.")
    copy_refused = serializers.SerializerMethodField(
        help_text="Why no copy could be made, where one was promised: for the other namespace alone."
    )

    class Meta:
        model = Grant
        fields = (
            "id", "resource_type", "resource_id", "resource_label", "home", "target", "user", "role",
            "status", "cause", "covers_below", "may_reshare",
            "history", "at_end", "source", "expires_at", "answer_by",
            "created_at", "decided_at", "ended_at", "copied_at", "copied_as", "copy_refused",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, grant: Grant) -> dict[str, Any]:
        """Return the grant as JSON, without what is for its sides where the list has those of others."""
        shown: dict[str, Any] = super().to_representation(grant)
        if self.context.get("has_others") and not is_party(grant):
            shown |= dict.fromkeys(_OF_PARTIES)
        return shown

    def get_resource_label(self, grant: Grant) -> str | None:
        """Return the title: to its home always, to the other side while the grant is, or may become, good.

        Programs read it with the scope of the list that has such rows.
        """
        if not self._may_read(grant):
            return None
        shows = status_of(grant) in (GrantStatus.ACTIVE, GrantStatus.PENDING) and not grant.resource_deleted
        return grant.resource.label if shows or is_on("home", grant) else None

    def _may_read(self, grant: Grant) -> bool:
        request = self.context.get("request")
        return request is None or within_scope(request, path_of_label(grant.model), "read")

    def get_user(self, grant: Grant) -> str | None:
        """Return the name it was offered to, where that is a user's."""
        return grant.target_slug if is_private() and grant.target_id is None else None

    def get_target(self, grant: Grant) -> str | None:
        """Return the present name of a namespace that answered; before, only it knows that it is there."""
        if self.get_user(grant) is not None:
            return None
        is_known = grant.decided_at is not None or grant.status in (GrantStatus.ACTIVE, GrantStatus.SUSPENDED)
        is_here = grant.target_id == require_namespace().pk
        return grant.target.slug if grant.target is not None and (is_known or is_here) else grant.target_slug

    def get_copied_as(self, grant: Grant) -> UUID | None:
        """Return the key of the copy, to the namespace that has it."""
        return grant.copied_as if grant.target_id == require_namespace().pk else None

    def get_copy_refused(self, grant: Grant) -> str:
        """Return why there is no copy: to the home it would tell of rows of the target."""
        return grant.copy_refused if grant.target_id == require_namespace().pk else ""

    def get_status(self, grant: Grant) -> str:
        """Return how it is by the clock, whoever noted that already."""
        return str(status_of(grant))


class GrantEventSerializer(serializers.ModelSerializer[GrantEvent]):
    """What happened to a grant; who did it, and why, is told to their own side alone."""

    grant = serializers.UUIDField(source="grant_id")
    resource_type = serializers.CharField(source="model")
    resource_id = serializers.UUIDField(source="row_id")
    home = serializers.CharField(source="home_slug")
    target = serializers.CharField(source="target_slug")
    actor = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()

    class Meta:
        model = GrantEvent
        fields = (
            "id", "at", "grant", "resource_type", "resource_id", "home", "target", "status_before", "status",
            "terms", "actor", "reason",
        )  # fmt: skip
        read_only_fields = fields

    def get_actor(self, event: GrantEvent) -> str | None:
        """Return what the actor is called."""
        return event.actor_label if self._is_own(event) else None

    def get_reason(self, event: GrantEvent) -> str | None:
        """Return the reason that was given."""
        return event.reason if self._is_own(event) else None

    @staticmethod
    def _is_own(event: GrantEvent) -> bool:
        if is_private():
            return event.user_id is not None and event.user_id == require_operation().principal.user_id
        return bool(event.side and getattr(event, f"{event.side}_id") == require_namespace().pk)
