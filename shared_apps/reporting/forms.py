"""What staff may ask of a report."""

from __future__ import annotations

from typing import Any

from django import forms

from smartmodels.reports import Report

__all__ = ["ReportForm"]

_SLUGS_LENGTH_MAX = 4000


class ReportForm(forms.Form):
    """How to group a report and which namespaces to read."""

    group_by = forms.MultipleChoiceField(
        label="Group by", required=False, widget=forms.CheckboxSelectMultiple
    )
    namespaces = forms.CharField(
        label="Namespaces",
        required=False,
        max_length=_SLUGS_LENGTH_MAX,
        help_text="Names between commas; empty for all active ones.",
        widget=forms.TextInput(attrs={"placeholder": "all", "autocapitalize": "none", "spellcheck": "false"}),
    )
    skip_broken = forms.BooleanField(label="Leave out namespaces that cannot be read", required=False)

    def __init__(self, report: Report, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["group_by"]
        choices.choices = [(dimension.name, dimension.label) for dimension in report.dimensions]

    def clean_namespaces(self) -> list[str] | None:
        """Return the slugs, or None for all."""
        slugs = [slug for part in self.cleaned_data["namespaces"].split(",") if (slug := part.strip())]
        return slugs or None
