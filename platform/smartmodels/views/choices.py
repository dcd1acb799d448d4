"""What a form offers where another row, a person or a namespace is to be chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import get_user_model
from django.forms.models import ModelChoiceIterator

from smartmodels.conf import settings
from smartmodels.context import require_namespace, require_operation
from smartmodels.models import SmartModel
from smartmodels.ownership import choosable
from smartmodels.tenancy.models import State, get_membership_model, get_namespace_model

if TYPE_CHECKING:
    _Iterator = ModelChoiceIterator[Any]
else:
    _Iterator = ModelChoiceIterator

__all__ = ["limit_choices", "my_memberships", "offered"]


def my_memberships() -> Any:
    """Return the actor's memberships of active namespaces, with these; of nobody's none."""
    user_id = require_operation().actor.user_id
    found = get_membership_model().objects.select_related("namespace").filter(namespace__state=State.ACTIVE)
    return found.filter(user_id=user_id) if user_id is not None else found.none()


def offered(model: Any) -> Any:
    """Return the rows of ``model`` that whoever fills in a form may choose from.

    Of a smart model the living rows that are visible here; of people the members of this namespace; of
    namespaces those the actor is a member of. Of anything else every row.
    """
    if issubclass(model, SmartModel):
        return model.objects.all()
    if model is get_user_model():
        members = get_membership_model().objects.filter(namespace_id=require_namespace().pk)
        return choosable(model._default_manager.filter(pk__in=members.values("user_id")))
    if model is get_namespace_model():
        return model.objects.filter(pk__in=my_memberships().values("namespace_id"))
    return model._default_manager.all()


class _Bounded(_Iterator):
    """The first rows, and those that are chosen already: a list is bounded, whatever there is to choose."""

    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield ("", self.field.empty_label)
        kept: set[Any] = getattr(self.field, "kept", set())
        most = settings().PAGE_SIZE_MAX
        first = list(self.queryset[:most])
        if missing := kept - {row.pk for row in first}:
            first = [*self.queryset.filter(pk__in=missing), *first]
        for row in first:
            yield self.choice(row)


def limit_choices(field: Any, kept: set[Any]) -> None:
    """Let a field of a form choose among what is :func:`offered`; ``kept`` are the keys it has now.

    Whatever is offered may be posted; the list that people see ends after ``SMARTMODELS_PAGE_SIZE_MAX`` rows.
    """
    if not isinstance(field, forms.ModelChoiceField) or field.queryset is None:
        return
    field.iterator = _Bounded
    field.kept = kept - {None}  # type: ignore[attr-defined]
    rows = offered(field.queryset.model)
    field.queryset = rows if rows.ordered else rows.order_by("pk")
