"""Forms that ask who and when, for lists of operations and for undoing what somebody did."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.timezone import get_current_timezone_name

from smartmodels.context import require_namespace
from smartmodels.history import Wanted, list_operations
from smartmodels.tenancy.models import get_membership_model

__all__ = ["BetweenForm", "OperationsForm"]

_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_FORMAT = "%Y-%m-%dT%H:%M:%S"


class _Moment(forms.DateTimeField):
    """A date and time, in the words of the browser."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format=_FORMAT)
        super().__init__(widget=widget, **kwargs)
        for limit in (MinValueValidator(_EARLIEST), MaxValueValidator(_LATEST)):
            limit.message = "Choose a time between the years 1970 and 9000."
            self.validators.append(limit)


def _members() -> list[tuple[str, str]]:
    members = get_membership_model().objects.filter(namespace_id=require_namespace().pk)
    found = [(str(each.user_id), str(each.user)) for each in members.select_related("user")]
    return sorted(found, key=lambda member: member[1])


def _former(key: str) -> list[tuple[str, str]]:
    """Return the choice for somebody who is no member any more but did something here."""
    try:
        found = list_operations(Wanted(uuid.UUID(key)), limit=1)
    except ValueError:
        return []
    return [(key, f"{each.actor_label} (no member any more)") for each in found]


class OperationsForm(forms.Form):
    """Which operations are listed."""

    user = forms.ChoiceField(required=False, label="Who")
    since = _Moment(required=False, label="From")
    until = _Moment(required=False, label="Before")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["since"].help_text = self.fields["until"].help_text = get_current_timezone_name()
        choices, given = _members(), str(self.data.get("user", ""))[:36]
        if given and given not in dict(choices):
            choices += _former(given)
        first = ("", "Choose somebody") if self.fields["user"].required else ("", "Everybody")
        self.fields["user"].choices = [first, *choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the beginning."""
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until <= since:
            raise ValidationError("The end is not after the beginning.", code="order")
        return cleaned

    @property
    def name(self) -> str:
        """Return who was chosen, in words."""
        choices: Any = self.fields["user"]
        return str(dict(choices.choices).get(self.cleaned_data["user"], ""))

    @property
    def wanted(self) -> Wanted:
        """Return what was asked for; of a form that is valid."""
        user = self.cleaned_data["user"]
        return Wanted(
            uuid.UUID(user) if user else None, self.cleaned_data["since"], self.cleaned_data["until"]
        )


class BetweenForm(OperationsForm):
    """Whose work is to be undone, and from when on; the end may stay open."""

    user = forms.ChoiceField(label="Who")
    since = _Moment(label="From")
