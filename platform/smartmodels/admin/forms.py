"""What the admin's forms have besides those of :mod:`smartmodels.showing.forms`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError

from smartmodels.showing.forms import ReasonForm

__all__ = ["LivingRowSelect", "RevertForm", "UndoForm"]


class LivingRowSelect(AutocompleteSelect):
    """Django's select with search; a posted key that is none is shown as nothing chosen."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        """Return the chosen option, if there is one."""
        key = self.field.target_field
        return super().optgroups(name, [given for given in value if _is_key(key, given)], attrs)


def _is_key(field: Any, given: Any) -> bool:
    try:
        field.to_python(given)
    except ValidationError:
        return False
    return True


class RevertForm(ReasonForm):
    """What confirms a revert: a reason, and the version that was the newest when it was previewed."""

    base = forms.IntegerField(
        required=False, min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput, localize=False
    )


class UndoForm(ReasonForm):
    """What confirms that many rows are undone: a reason, and which preview was seen."""

    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
