"""The form of a smart model's row, and the one that asks why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from smartmodels.context import require_operation
from smartmodels.models import SmartModel

__all__ = ["ReasonForm", "SmartForm"]

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Any]
else:
    _ModelForm = forms.ModelForm

DEFAULT_MESSAGE = str(models.UniqueConstraint.default_violation_error_message)
_CHANGED_MEANWHILE = (
    "Not saved: somebody changed this row since you opened it. Its history tells what; what you entered is "
    "still here. Save again to overwrite."
)
_SMART_FIELDS = frozenset(field.name for field in SmartModel._meta.get_fields())


def _in_words(model: Any) -> dict[str, str]:
    """Map Django's message of each unique constraint, which only names it, to one that helps people."""
    words = {}
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
            names = [str(model._meta.get_field(name).verbose_name) for name in constraint.fields]
            said = f"Another {model._meta.verbose_name} has this {' and '.join(names)} already."
            words[DEFAULT_MESSAGE % {"name": constraint.name}] = said
    return words


class _Seen(forms.CharField):
    """When the row that the form shows was changed last; not a value of the row."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class SmartForm(_ModelForm):
    """A form that refuses to overwrite what somebody saved while it was open.

    Its constraints see what people do not edit, too: ``deleted_at``, ``created_by``, ...
    """

    seen = _Seen(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["seen"] = self.instance.updated_at.isoformat()

    def clean(self) -> Any:
        """Refuse once when the row was changed since the form was opened; saving again overwrites."""
        cleaned = super().clean()
        seen, now = self.cleaned_data.get("seen"), self.initial.get("seen")
        if seen and now and seen != now:
            data: Any = self.data
            self.data = data = data.copy()
            data[self.add_prefix("seen")] = now
            raise ValidationError(_CHANGED_MEANWHILE, code="changed-meanwhile")
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        exclude: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        constrained = {
            name for given in self.instance._meta.constraints for name in getattr(given, "fields", ())
        }
        return exclude - (_SMART_FIELDS & {*constrained, "deleted_at"})

    def _post_clean(self) -> None:
        if self.instance._state.adding:
            self.instance.stamp(require_operation())
        super()._post_clean()  # type: ignore[misc]

    def _update_errors(self, errors: ValidationError) -> None:
        words = _in_words(self.instance)
        for error in getattr(errors, "error_dict", {}).get(NON_FIELD_ERRORS, []):
            error.message = words.get(str(error.message), error.message)
        super()._update_errors(errors)  # type: ignore[misc]


class ReasonForm(forms.Form):
    """Why something is reverted or restored; the answer stands in the history."""

    reason = forms.CharField(
        required=False,
        max_length=500,
        label="Reason",
        help_text="Kept in the history.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
