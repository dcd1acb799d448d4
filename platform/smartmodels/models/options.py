"""``class Smart:`` of a model: what it wants to be different from every other smart model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import CharField, Index, Q, TextField, UniqueConstraint
from django.db.models.base import ModelBase

from smartmodels.ownership import OwnerOpen
from smartmodels.sharing import Registered
from smartmodels.softdelete import watch_parents

__all__ = ["SmartBase", "SmartOptions", "UniqueAlive"]


@dataclass(frozen=True, slots=True)
class UniqueAlive:
    """Fields whose values no two living rows share; a deleted row does not keep its values from others.

    ``message`` is what people read when the values are taken; ``where`` narrows the rows it is about.
    """

    fields: tuple[str, ...]
    message: str = ""
    where: Q | None = None

    def constraint(self) -> UniqueConstraint:
        """Return the constraint, which validates models, forms and serializers as well."""
        condition = Q(deleted_at__isnull=True)
        words = " and ".join(name.replace("_", " ") for name in self.fields)
        return UniqueConstraint(
            fields=self.fields,
            condition=condition if self.where is None else condition & self.where,
            name=f"%(app_label)s_%(class)s_{self._short_name()}_alive",
            violation_error_code="unique",
            violation_error_message=self.message or f"Another row has this {words}.",
        )

    def _short_name(self) -> str:
        joined = "_".join(self.fields)
        if self.where is None and len(joined) <= 28:
            return joined
        return f"{joined[:20]}_{hashlib.sha256(f'{self.fields} {self.where}'.encode()).hexdigest()[:6]}"


_USUAL_LABELS = ("title", "name", "label", "subject", "code", "slug")


@dataclass(frozen=True, slots=True)
class SmartOptions:
    """The options of ``class Smart:``; a model inherits those of its abstract bases."""

    history_exclude: tuple[str, ...] = ()
    """Fields that history does not keep, such as secrets; a revert leaves them alone."""

    history_m2m: tuple[str, ...] = ()
    """Many-to-many fields whose links are part of every version."""

    unique_alive: tuple[UniqueAlive, ...] = ()
    """Groups of fields that are unique among the living; a plain tuple of names will do for each."""

    retention: timedelta | None = None
    """How long deleted rows are kept before ``manage.py purge`` removes them; None keeps them."""

    shareable: bool = True
    """Whether rows of a resource may be shared with other namespaces."""

    label: str = ""
    """Field that says what a shared row is called elsewhere; else its title, name or the like."""

    view_fields: tuple[str, ...] | None = None
    """Fields of a shared row that others may read, and search by; None is all of its own."""

    edit_fields: tuple[str, ...] | None = None
    """Fields of a shared row that others may change, where they may change it; None is all they may read."""

    comment_role: str = "view"
    """What a grant must allow for others to comment and vote on a shared row; empty lets nobody."""

    personal: tuple[str, ...] = ()
    """Text fields that hold what their author says about themselves: emptied when they are anonymised."""

    def label_column(self, model: Any) -> str:
        """Return the column of what a shared row of ``model`` is called elsewhere, or '' if it has none."""
        texts = {
            field.name: field.column
            for field in model._meta.concrete_fields
            if isinstance(field, CharField | TextField)
            and not field.choices
            and field.name not in self.history_exclude
            and (self.view_fields is None or field.name in self.view_fields)
        }
        found = next(
            (name for name in (self.label, *_USUAL_LABELS) if name in texts), next(iter(texts), None)
        )
        return "" if found is None else str(texts[found])


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _groups(value: Any) -> tuple[UniqueAlive, ...]:
    return tuple(each if isinstance(each, UniqueAlive) else UniqueAlive(_names(each)) for each in value)


_READ = {
    "history_exclude": _names, "history_m2m": _names, "unique_alive": _groups, "personal": _names,
    "view_fields": _names, "edit_fields": _names,
}  # fmt: skip


def _declared(declaration: Any, inherited: SmartOptions, where: str) -> SmartOptions:
    given: Mapping[str, Any] = {
        name: value for name, value in vars(declaration).items() if not name.startswith("__")
    }
    known = [field.name for field in fields(SmartOptions)]
    if unknown := sorted(set(given) - set(known)):
        raise ImproperlyConfigured(
            f"class Smart of {where} has no option {unknown[0]!r}: choose from {', '.join(known)}."
        )
    read: dict[str, Any] = {
        name: _READ[name](value) if name in _READ else value for name, value in given.items()
    }
    return replace(inherited, **read)


class SmartBase(ModelBase):
    """Reads ``class Smart:`` before Django makes the model; what it says is then ``Model.smart``."""

    def __new__(mcs, name: str, bases: tuple[type, ...], attrs: dict[str, Any], **kwargs: Any) -> Any:
        inherited = next((base.smart for base in bases if hasattr(base, "smart")), SmartOptions())
        options = inherited
        if (declaration := attrs.pop("Smart", None)) is not None:
            options = _declared(declaration, inherited, f"{attrs.get('__module__')}.{name}")
        attrs["smart"] = options
        meta = attrs.get("Meta")
        is_table = not (getattr(meta, "abstract", False) or getattr(meta, "proxy", False))
        if is_table:
            attrs["Meta"] = _complete(meta, bases, options, f"{attrs['__module__']}.{name}")
        model: Any = super().__new__(mcs, name, bases, attrs, **kwargs)
        if is_table:
            watch_parents(model)
            if options.shareable and hasattr(model, "namespaces"):
                _keep_registered(model)
        return model


def _keep_registered(model: Any) -> None:
    """Add the constraint by which the registry of shared rows follows the model's rows."""
    meta = model._meta
    name = f"{meta.app_label}_{meta.model_name}_registered"
    made = Registered.of(model, name, model.smart.label_column(model))
    meta.constraints = [*meta.constraints, made]
    # The autodetector reads only the options that a model declared.
    meta.original_attrs["constraints"] = meta.constraints


def _complete(meta: Any, bases: tuple[type, ...], options: SmartOptions, label: str) -> Any:
    """Return the model's Meta with what its options, its owners and its deleted rows need."""
    if meta is None:
        meta = next((base.Meta for base in bases if hasattr(base, "Meta")), object)
    constraints = [*getattr(meta, "constraints", ()), *(group.constraint() for group in options.unique_alive)]
    constraints.append(OwnerOpen(name="%(app_label)s_%(class)s_owner_open"))
    # Only deleted rows are looked for by their deletion, so only they are in the index.
    deleted = Index(
        fields=["deleted_in"],
        condition=Q(deleted_in__isnull=False),
        name=f"deleted_{hashlib.sha256(label.encode()).hexdigest()[:16]}",
    )
    indexes = [*getattr(meta, "indexes", ()), deleted]
    return type("Meta", (meta,), {"constraints": constraints, "indexes": indexes})
