"""Values of versions as the API shows those of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rest_framework import serializers

from smartmodels.history import FieldChange

__all__ = ["changes_shown"]

STATE = "state"


def _rendered(field: Any, value: Any) -> Any:
    """Return a value as ``field`` shows it; of files history knows the name alone."""
    if isinstance(field, serializers.ManyRelatedField):
        return [_rendered(field.child_relation, each) for each in value or ()]
    if isinstance(field, serializers.RelatedField):
        field = getattr(field, "pk_field", None)
    if value is None or field is None or isinstance(field, serializers.FileField):
        return value
    return field.to_representation(value)


def changes_shown(view: Any, changes: Iterable[FieldChange]) -> list[FieldChange]:
    """Return the changes of fields that the view shows, named and with values as there, and of the state."""
    fields = {
        str(field.source): (name, field)
        for name, field in view.get_serializer().fields.items()
        if not field.write_only
    }
    shown = []
    for change in changes:
        if change.field == STATE:
            shown.append(change)
        elif change.field in fields:
            name, field = fields[change.field]
            old, new = (_rendered(field, value) for value in (change.old, change.new))
            shown.append(replace(change, field=name, old=old, new=new))
    return shown
