"""Which relations a filter may follow, and which rows it meets there: those their own endpoint would show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from smartmodels.rest.access.scoping import require_within_scope
from smartmodels.rest.filtering.columns import readable_of
from smartmodels.rest.served import count_served, path_of, view_class_of

__all__ = ["RELATED", "Relation", "relations_of"]

RELATED = "related"
"""The action of a view that is asked for related rows."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A way from the rows of one model to those of another.

    Rows are related where ``outer``, an attribute of the one, equals ``inner``, a lookup of the other: a
    column of its own unless the way leads ``through_link``, over a table between them.
    """

    name: str
    model: Any
    is_many: bool
    outer: str
    inner: str
    through_link: bool = False

    def view_for(self, request: Any) -> Any:
        """Return the view that says what the caller may see of the related model.

        Raises Refused for a program whose scopes do not cover that model.
        """
        require_within_scope(request, str(path_of(self.model)), "read")
        view_class: Any = view_class_of(self.model)
        return view_class(request=request, format_kwarg=None, action=RELATED, kwargs={})


def relations_of(view: Any) -> dict[str, Relation]:
    """Return the relations of a view's model by name.

    They are the exposed keys to models that have an endpoint, under the name of the model's field and that
    of the exposed field without its ``Id``, and the keys that endpoints of others expose to this model,
    under their ``related_name``. A viewset may give further names in ``relations = {"name": "field"}``.
    """
    named = tuple(getattr(view, "relations", {}).items())
    return _relations(view.get_serializer_class(), view.model, named, count_served())


@cache
def _relations(serializer_class: Any, model: Any, named: Any, _served: int) -> dict[str, Relation]:
    found: dict[str, Relation] = {}
    for field in _exposed_keys(serializer_class, model).values():
        _add(found, field.name, field)
    for field in model._meta.related_objects:
        if _is_exposed_there(field):
            _add(found, field.get_accessor_name(), field)
    for shown, field in _exposed_keys(serializer_class, model).items():
        short = shown.removesuffix("_id").removesuffix("Id")
        if short not in found:
            _add(found, short, field)
    for name, source in named:
        _add(found, name, _field_named(model, source))
    return found


def _field_named(model: Any, name: str) -> Any:
    for field in model._meta.related_objects:
        if field.get_accessor_name() == name:
            return field
    return model._meta.get_field(name)


def _exposed_keys(serializer_class: Any, model: Any) -> dict[str, Any]:
    """Return the keys and links of a model that its serializer shows, by the names it shows them under."""
    fields = serializer_class().fields
    keys = {field.name: field for field in (*model._meta.concrete_fields, *model._meta.many_to_many)}
    found = {}
    for name in readable_of(serializer_class):
        key = keys.get(str(fields[name].source).partition(".")[0].removesuffix("_id"))
        key = key or keys.get(str(fields[name].source).partition(".")[0])
        if key is not None and key.is_relation:
            found[name] = key
    return found


def _is_exposed_there(field: Any) -> bool:
    """Tell whether the model that holds the key has an endpoint that shows it."""
    view_class = view_class_of(field.related_model)
    if view_class is None or field.hidden:
        return False
    key = field.remote_field if hasattr(field, "remote_field") else field.field
    return key in _exposed_keys(view_class.serializer_class, field.related_model).values()


def _add(found: dict[str, Relation], name: str, field: Any) -> None:
    model = field.related_model
    if view_class_of(model) is None:
        return
    many = bool(field.one_to_many or field.many_to_many)
    if field.many_to_many:
        inner = field.remote_field.name if field.auto_created else field.related_query_name()
        found[name] = Relation(name, model, is_many=True, outer="pk", inner=inner, through_link=True)
    elif field.auto_created:
        key = field.field
        found[name] = Relation(name, model, many, key.target_field.attname, key.attname)
    else:
        found[name] = Relation(name, model, many, field.attname, field.target_field.attname)
