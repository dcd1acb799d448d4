"""Forms of the pages about sharing."""

from __future__ import annotations

from typing import Any

from django import forms

from smartmodels.sharing import GrantEnd, GrantHistory, GrantRole, Sharing

__all__ = ["PolicyForm", "ShareForm", "TermsForm"]


class TermsForm(forms.Form):
    """What a living grant allows, and until when."""

    role = forms.ChoiceField(choices=GrantRole.choices)
    expires_at = forms.DateTimeField(
        required=False, help_text="Such as 2030-12-31 or 2030-12-31 18:00; empty: never.", label="Expires"
    )


class ShareForm(TermsForm):
    """Whom a row is shared with, and how."""

    namespace = forms.CharField(
        max_length=31, help_text="The first part of their host. One of their admins has to accept."
    )
    role = forms.ChoiceField(choices=GrantRole.choices, initial=GrantRole.VIEW)
    covers_below = forms.BooleanField(
        required=False, label="Share what belongs to it", help_text="What is there, and what is added later."
    )
    may_reshare = forms.BooleanField(required=False, label="They may pass it on, once")
    history = forms.ChoiceField(
        choices=GrantHistory.choices, initial=GrantHistory.NONE, label="Versions they may read"
    )
    at_end = forms.ChoiceField(
        choices=GrantEnd.choices, initial=GrantEnd.NONE, label="When this namespace goes, they keep"
    )
    field_order = ("namespace",)


class PolicyForm(forms.Form):
    """What the namespace lets out and takes in."""

    outbound = forms.ChoiceField(
        choices=Sharing.choices,
        help_text="approve: admins share rows; auto: everybody shares those they may change.",
    )
    inbound = forms.ChoiceField(
        choices=Sharing.choices, help_text="approve: admins accept offers; auto: they are taken at once."
    )
    partners = forms.CharField(
        required=False,
        max_length=40_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text="The namespaces to deal with, one to a line; empty: with all.",
    )
    highest_role = forms.ChoiceField(choices=GrantRole.choices)
    default_days = forms.IntegerField(
        required=False, min_value=1, max_value=36_500,
        help_text="Days until a grant expires that names no end; empty: it does not.",
    )  # fmt: skip

    def clean_partners(self) -> list[str]:
        """Return the names, each once."""
        given: str = self.cleaned_data["partners"]
        names = list(dict.fromkeys(given.lower().split()))
        if any(len(name) > 31 for name in names):
            raise forms.ValidationError("A name has at most 31 characters.")
        return names

    @classmethod
    def of(cls, policy: Any) -> PolicyForm:
        """Return the form of a policy as it is."""
        names = ("outbound", "inbound", "highest_role", "default_days")
        known = {name: getattr(policy, name) for name in names}
        return cls(initial={**known, "partners": "\n".join(policy.partners)})
