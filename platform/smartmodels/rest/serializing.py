"""From model to JSON and back, strictly: what is not known or not the caller's to set is refused by name."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.settings import api_settings
from rest_framework.validators import UniqueValidator

from smartmodels.models import Resource, SmartModel
from smartmodels.rest.fields import TOLD, RowField, UploadedImageField, UploadField, points_at_uuid
from smartmodels.rest.integrity import is_unique, taken
from smartmodels.rest.shapes import mistyped_in

__all__ = ["SMART_FIELDS", "SmartSerializer", "StrictSerializer", "derive_serializer", "details_of"]

SMART_FIELDS = ("id", "owner", "created_at", "created_by", "updated_at", "updated_by", "deleted_at")
"""What every row says of itself; filled in by the platform, never by the caller."""

_HIDDEN = frozenset({"former_owner_id", "owner_before_deletion_id", "deleted_by", "deleted_in"})

_CODES = {"unique_together": "unique", "unique_for_date": "unique"}

Details = dict[str, Any]


def details_of(error: ModelValidationError, name: str | None = None) -> dict[str, list[ErrorDetail]]:
    """Return what a model says is wrong, by field; ``name`` is the field that was asked, if one was."""
    named = error.error_dict if hasattr(error, "error_dict") else {name or NON_FIELD_ERRORS: error.error_list}
    return {
        place: [
            ErrorDetail(message, code=_CODES.get(each.code or "invalid", each.code))
            for each in errors
            for message in each.messages
        ]
        for place, errors in named.items()
    }


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses what it does not know (``unknown-field``) and what is not to be set (``read-only-field``).

    ``together`` is what documents say of fields that depend on one another, in JSON Schema.
    """

    together: ClassVar[dict[str, Any]] = {}

    def to_internal_value(self, data: Any) -> Any:
        """Return the values; raise ValidationError with every mistake at once."""
        refused: Details = dict(self._refused(data)) if isinstance(data, Mapping) else {}
        if isinstance(data, Mapping):
            writable = {field.field_name: field for field in self._writable_fields}
            refused |= mistyped_in(writable, data)
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            if not refused:
                raise
            raise ValidationError({**cast(Details, error.detail), **refused}) from error
        if refused:
            raise ValidationError(refused)
        return values

    def _refused(self, data: Mapping[str, Any]) -> Iterable[tuple[str, list[ErrorDetail]]]:
        for name, given in data.items():
            field = self.fields.get(name)
            if field is None:
                yield name, [ErrorDetail("There is no such field here.", code="unknown-field")]
            elif field.read_only and not self.is_unchanged(field, given):
                message = "This is set by the platform: leave it out, or as it was read."
                yield name, [ErrorDetail(message, code="read-only-field")]

    def is_unchanged(self, field: Any, given: Any) -> bool:
        """Tell whether a read-only field is sent back as it was read, as a GET followed by a PUT does."""
        if not isinstance(self.instance, models.Model):
            return False
        value = field.get_attribute(self.instance)
        return bool(given == (None if value is None else field.to_representation(value)))


class SmartSerializer(StrictSerializer, serializers.ModelSerializer[Any]):
    """The serializer of a smart model: DRF's, checked against the model's own rules in one place.

    ``save()`` writes what changed and nothing else; a write that changes nothing leaves no version.
    """

    serializer_related_field = RowField
    serializer_field_mapping: ClassVar[dict[Any, Any]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.FileField: UploadField,
        models.ImageField: UploadedImageField,
    }

    def get_uniqueness_extra_kwargs(self, field_names: Any, declared_fields: Any, extra_kwargs: Any) -> Any:
        """Leave uniqueness to :meth:`validate`, which knows that deleted rows do not count."""
        return extra_kwargs, {}

    def get_validators(self) -> list[Any]:
        return []

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        """Leave out the validator of ``unique=True`` for the same reason."""
        field_class, kwargs = super().build_standard_field(field_name, model_field)
        if "validators" in kwargs:
            kwargs["validators"] = [
                each for each in kwargs["validators"] if not isinstance(each, UniqueValidator)
            ]
        return field_class, kwargs

    def build_relational_field(self, field_name: str, relation_info: Any) -> Any:
        """Refer to rows by UUID where they have one."""
        field_class, kwargs = super().build_relational_field(field_name, relation_info)
        if not points_at_uuid(relation_info.related_model):
            field_class = serializers.PrimaryKeyRelatedField
        kwargs["validators"] = []
        return field_class, kwargs

    # Validation

    def validate(self, attrs: Any) -> Any:
        """Check the row as it would be: the fields' own rules, ``clean()`` and what must be unique."""
        row = self._candidate(attrs)
        found: Details = {}
        self._collect(found, lambda: row.clean_fields(exclude=self._not_cleaned(attrs)))
        self._collect(found, row.clean)
        if not found:
            self._collect_taken(found, row, set(attrs))
        if found:
            raise ValidationError(found)
        return attrs

    def _candidate(self, attrs: Mapping[str, Any]) -> Any:
        row = self._model() if self.instance is None else copy.copy(self.instance)
        for name, value in attrs.items():
            if name not in self._many:
                setattr(row, name, value)
        return row

    @property
    def _model(self) -> Any:
        return self.Meta.model

    @property
    def _many(self) -> set[str]:
        return {field.name for field in self._model._meta.many_to_many}

    def _not_cleaned(self, attrs: Mapping[str, Any]) -> set[str]:
        """Return what is not asked again: what is not given, or null as it may be, and what was looked up."""
        return {
            field.name
            for field in self._model._meta.concrete_fields
            if field.name not in attrs or field.is_relation or (field.null and attrs[field.name] is None)
        }

    def _collect(self, found: Details, check: Any) -> None:
        try:
            check()
        except ModelValidationError as error:
            for name, details in details_of(error).items():
                found.setdefault(self._place(name), []).extend(details)

    def _place(self, name: str) -> str:
        return name if name in self.fields else str(api_settings.NON_FIELD_ERRORS_KEY)

    def _collect_taken(self, found: Details, row: Any, given: set[str]) -> None:
        others = {field.name for field in row._meta.concrete_fields} - given
        self._collect(found, lambda: row.validate_unique(exclude=others))
        for constraint in row._meta.constraints:
            fields = tuple(getattr(constraint, "fields", ()))
            if self.instance is not None and fields and not given.intersection(fields):
                continue
            try:
                constraint.validate(type(row), row)
            except ModelValidationError as error:
                messages = [taken(type(row), fields)] if is_unique(constraint) else error.messages
                code = "unique" if is_unique(constraint) else "invalid"
                for name in fields or (NON_FIELD_ERRORS,):
                    details = [ErrorDetail(message, code=code) for message in messages]
                    found.setdefault(self._place(name), []).extend(details)

    # Writing

    def create(self, validated_data: Any) -> Any:
        """Insert a row."""
        many = {name: validated_data.pop(name) for name in self._many & set(validated_data)}
        row = self._model(**validated_data)
        row.save(force_insert=True)
        for name, rows in many.items():
            getattr(row, name).set(rows)
        return row

    def update(self, instance: Any, validated_data: Any) -> Any:
        """Write the fields that change; none, and nothing is written."""
        many = {name: validated_data.pop(name) for name in self._many & set(validated_data)}
        changed = [name for name, value in validated_data.items() if self._differs(instance, name, value)]
        for name in changed:
            setattr(instance, name, validated_data[name])
        if changed:
            instance.save(update_fields=changed)
        for name, rows in many.items():
            getattr(instance, name).set(rows)
        return instance

    @staticmethod
    def _differs(row: Any, name: str, value: Any) -> bool:
        field = row._meta.get_field(name)
        new = value.pk if isinstance(value, models.Model) else value
        return bool(getattr(row, field.attname) != new)


def _exposed(model: type[models.Model]) -> tuple[str, ...]:
    own = (field.name for field in model._meta.concrete_fields)
    return (*SMART_FIELDS, *(name for name in own if name not in _HIDDEN and name not in SMART_FIELDS))


def derive_serializer(model: type[SmartModel], fields: Iterable[str] | None = None) -> type[SmartSerializer]:
    """Return the serializer of a model: its smart fields, read-only, and ``fields`` or all of its own.

    That of a resource says in ``home`` which namespace a row lives in, in ``shared`` whether that is another
    one, and in ``role`` what may then be done with it.

    Raises ValueError for a name that is no field of the model.
    """
    known = {field.name for field in (*model._meta.concrete_fields, *model._meta.many_to_many)}
    names = _exposed(model) if fields is None else tuple(dict.fromkeys((*SMART_FIELDS, *fields)))
    if strange := [name for name in names if name not in known]:
        raise ValueError(
            f"{model._meta.label} has no field {', '.join(map(repr, strange))}: see its models.py."
        )
    body: dict[str, Any] = {"__doc__": (model.__doc__ or "").strip()}
    if issubclass(model, Resource):
        told = {name: field() for name, field in TOLD.items() if name not in known}
        body, names = {**body, **told}, (*names, *told)
    body["Meta"] = type("Meta", (), {"model": model, "fields": names, "read_only_fields": SMART_FIELDS})
    return type(model.__name__ + "Serializer", (SmartSerializer,), body)
