"""The model forms of pages: what people fill in, and nothing of what the platform does."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction

from smartmodels.context import require_namespace
from smartmodels.models import Resource, SmartModel
from smartmodels.querysets import is_private
from smartmodels.sharing import grants_of, revoke, share
from smartmodels.showing.forms import SmartForm
from smartmodels.tenancy.models import Role, get_namespace_model
from smartmodels.views.choices import limit_choices, my_memberships

__all__ = ["SharedModelForm", "SmartModelForm", "form_of"]

if TYPE_CHECKING:
    _ManyField = forms.ModelMultipleChoiceField[Any]
else:
    _ManyField = forms.ModelMultipleChoiceField

_PICKERS: dict[type[forms.Field], tuple[str, str]] = {
    forms.DateField: ("date", "%Y-%m-%d"),
    forms.TimeField: ("time", "%H:%M:%S"),
    forms.DateTimeField: ("datetime-local", "%Y-%m-%dT%H:%M:%S"),
}
"""How browsers ask for these, and what they understand."""


class SmartModelForm(SmartForm):
    """A model form for rows of a smart model.

    In an app::

        class StudyForm(SmartModelForm):
            class Meta:
                model = Study
                fields = ("code", "title", "island")

    Owner, author and times come from the open operation: they are no fields, whatever is posted. Where
    another row is to be chosen, the living rows visible here are; of people the members of the namespace.
    A form that changes nothing writes nothing.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            given = self.initial.get(name)
            many = given if isinstance(given, (list, tuple)) else [given]
            limit_choices(field, {getattr(each, "pk", each) for each in many})
            if type(field) in _PICKERS:
                widget: Any = field.widget
                widget.input_type, widget.format = _PICKERS[type(field)]
                if widget.input_type != "date":
                    widget.attrs["step"] = 1

    def clean(self) -> Any:
        """Keep moments that were not changed as exact as they are: browsers know whole seconds."""
        cleaned = super().clean()
        for name in set(self.cleaned_data) - set(self.changed_data):
            if not self.instance._state.adding and type(self.fields[name]) in _PICKERS:
                self.cleaned_data[name] = getattr(self.instance, name)
        return cleaned

    @property
    def changes_row(self) -> bool:
        """Tell whether a value of the row is new."""
        return self.instance._state.adding or bool(set(self.changed_data) - {"seen", "namespaces"})

    def save(self, commit: bool = True) -> Any:
        """Save the row, all or nothing; one in which nothing was changed stays as it is."""
        with transaction.atomic():
            if self.errors or not commit or self.changes_row:
                return super().save(commit=commit)
            self._save_m2m()  # type: ignore[attr-defined]
            return self.instance


class _NamespaceField(_ManyField):
    """Namespaces by name."""

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class SharedModelForm(SmartModelForm):
    """The form of a resource, which also asks with which namespaces the row is shared.

    In an app::

        class StudyForm(SharedModelForm):
            class Meta:
                model = Study
                fields = ("code", "title")

    ``namespaces`` offers those that the actor is a member of, and no other is touched, whatever is posted. A
    namespace that the actor does not manage has to accept first. Only owners and admins share rows: to others
    there is no such field.
    """

    namespaces = _NamespaceField(
        queryset=None,
        required=False,
        label="Shared with",
        help_text="Namespaces of yours in which this can be seen, too.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here, memberships = require_namespace().pk, list(my_memberships())
        manages = any(Role(each.role).manages for each in memberships if each.namespace_id == here)
        self._offered = {each.namespace_id for each in memberships} - {here}
        if not (manages and self._offered and self.instance.smart.shareable) or is_private():
            del self.fields["namespaces"]
            return
        field: Any = self.fields["namespaces"]
        field.queryset = get_namespace_model().objects.filter(pk__in=self._offered).order_by("name", "pk")
        self.initial["namespaces"] = list(self._granted())

    def _granted(self) -> set[Any]:
        """Return those of the offered namespaces that the row is shared with, or offered to."""
        if self.instance._state.adding:
            return set()
        grants = grants_of(self.instance).filter(target_id__in=self._offered)
        return set(grants.values_list("target_id", flat=True))

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc]
        if "namespaces" not in self.fields:
            return
        before, chosen = self._granted(), {each.pk: each for each in self.cleaned_data["namespaces"]}
        for key in chosen.keys() - before:
            share(self.instance, chosen[key])
        for grant in grants_of(self.instance).filter(target_id__in=before - chosen.keys()):
            revoke(grant)


@cache
def form_of(model: type[SmartModel], fields: tuple[str, ...] | None = None) -> type[SmartModelForm]:
    """Return the form for ``fields`` of a model, by default all; a resource is shared in it."""
    base = SharedModelForm if issubclass(model, Resource) else SmartModelForm
    form: Any = forms.modelform_factory(model, form=base, fields=fields or "__all__")
    return form  # type: ignore[no-any-return]
