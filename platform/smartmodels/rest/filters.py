"""Which rows a list shows, and in which order: exact matches on exposed columns."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend

from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.lists.ordering import OrderTerm
from smartmodels.rest.parsing import is_storable

__all__ = ["ColumnFilter", "columns_of", "refuse_unknown"]

_NULL = "null"
_RESERVED = frozenset({"limit", "offset", "ordering", "deleted", "cursor", "as_of", "format"})
_DESCRIBED = ("type", "format", "enum", "pattern", "minimum", "maximum", "maxLength")
_TEXTUAL = (serializers.CharField, serializers.ChoiceField)


def columns_of(view: Any) -> dict[str, Any]:
    """Return the columns a list can be filtered and ordered by: the readable fields that are stored."""
    return _columns(view.get_serializer_class(), view.model)


@cache
def _columns(serializer_class: Any, model: Any) -> dict[str, Any]:
    return {
        name: field
        for name, field in serializer_class().fields.items()
        if name not in _RESERVED and not field.write_only and _is_stored(model, field)
    }


def _is_stored(model: Any, field: Any) -> bool:
    try:
        return bool(model._meta.get_field(field.source).concrete) and not hasattr(field, "child_relation")
    except FieldDoesNotExist:
        return False


def refuse_unknown(request: Any, known: frozenset[str]) -> None:
    """Raise InvalidParameter for the first parameter that is unknown, given twice or not storable."""
    for name, values in request.query_params.lists():
        if name not in known:
            listed = f" Known here: {', '.join(sorted(known))}." if known else ""
            raise InvalidParameter(
                name, f"There is no such parameter here.{listed}", code="unknown-parameter"
            )
        if len(values) > 1:
            raise InvalidParameter(name, "This parameter is given more than once.")
        if not is_storable(values[0]):
            raise InvalidParameter(name, "NUL and unpaired surrogates cannot be searched for.")


def _value(name: str, field: Any, given: str) -> Any:
    """Return the value that a parameter asks for, read as the serializer would read it."""
    if given == _NULL and not isinstance(field, _TEXTUAL):
        return None
    reader = getattr(field, "pk_field", None) or field
    try:
        return "" if given == "" and isinstance(field, _TEXTUAL) else reader.to_internal_value(given)
    except ValidationError as error:
        reason = error.detail[0] if isinstance(error.detail, list) else error.detail
        raise InvalidParameter(name, str(reason)) from error


def _schema_of(view: Any, field: Any) -> dict[str, Any]:
    """Return the JSON schema of a column as a parameter in the query string."""
    mapped = view.schema._map_serializer_field(getattr(field, "pk_field", None) or field, "request")
    found = {name: mapped[name] for name in _DESCRIBED if name in mapped}
    if isinstance(found.get("type"), list):
        found["type"] = next(name for name in found["type"] if name != _NULL)
    return found or {"type": "string"}


class ColumnFilter(BaseFilterBackend):
    """``?code=PAL0708&ordering=-created_at``: exact matches, ``null`` for no value, and an order.

    Without ``ordering`` rows stand in the order in which they were made.
    """

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        """Return the rows that match every parameter."""
        columns = columns_of(view)
        for name in sorted(columns.keys() & request.query_params.keys()):
            field = columns[name]
            value = _value(name, field, request.query_params[name])
            condition: dict[str, Any] = (
                {f"{field.source}__isnull": True} if value is None else {str(field.source): value}
            )
            queryset = queryset.filter(**condition)
        return queryset

    @staticmethod
    def order(view: Any) -> tuple[OrderTerm, ...]:
        """Return the order that the request asks for; raise InvalidParameter."""
        columns, given = columns_of(view), view.request.query_params.get("ordering")
        if given is None:
            return ()
        order = []
        for part in given.split(","):
            name = part.strip()
            column = columns.get(name.removeprefix("-"))
            if column is None:
                raise InvalidParameter(
                    "ordering",
                    f"Name columns, '-' before one for descending order: {', '.join(sorted(columns))}.",
                )
            down = name.startswith("-")
            order.append(OrderTerm(str(column.source), descending=down, nulls_first=down))
        return tuple(order)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe one parameter per column, and ``ordering``."""
        columns = columns_of(view)
        described = [
            {"name": name, "in": "query", "required": False, "schema": _schema_of(view, field),
             "description": f"Rows whose `{name}` is exactly this."}
            for name, field in columns.items()
        ]  # fmt: skip
        names = "|".join(sorted(columns))
        ordering = {
            "name": "ordering",
            "in": "query",
            "required": False,
            "schema": {"type": "string", "pattern": f"^-?({names})(,-?({names}))*$"},
            "description": "Columns, separated by commas; '-' before one for descending order.",
        }
        return [*described, ordering]
