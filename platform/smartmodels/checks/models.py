"""Check that the project's models are what the library can track, delete and protect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name
from django.db import models

from smartmodels.models import SmartModel
from smartmodels.models.smart import SmartAliveManager
from smartmodels.tenancy.placement import is_tenant_model
from smartmodels.tenancy.uploads import NamespaceStorage

__all__ = ["check_models", "faults_of"]

_OWN = frozenset(field.name for field in SmartModel._meta.get_fields())
"""The fields of SmartModel itself, which history needs."""


def _options(model: Any, number: str, problem: str, hint: str) -> Error:
    return Error(
        f"class Smart of {model._meta.label}: {problem}", hint=hint, obj=model, id=f"smartmodels.{number}"
    )


def _fields(model: Any) -> dict[str, Any]:
    return {field.name: field for field in model._meta.get_fields() if not field.auto_created}


def _named(
    model: Any, where: str, names: Iterable[str], is_fit: Callable[[str], bool], fault: tuple[str, str, str]
) -> Iterator[CheckMessage]:
    """Yield an error for each name that does not fit; ``fault`` is its number, what it is, and what to do."""
    number, problem, hint = fault
    for name in names:
        if not is_fit(name):
            yield _options(model, number, f"{where} names {name!r}, {problem}.", hint)


def _excluded(model: Any) -> Iterator[CheckMessage]:
    """Check what history leaves out."""
    known, names = _fields(model), model.smart.history_exclude
    unknown = ("E020", "which is no field", "Correct the name.")
    yield from _named(model, "history_exclude", names, known.__contains__, unknown)
    needed = ("E021", "by which histories are found", "Exclude fields of the model's own only.")
    yield from _named(model, "history_exclude", names, lambda name: name not in _OWN, needed)


def _links(model: Any) -> Iterator[CheckMessage]:
    """Check the tracked links."""
    known = _fields(model)
    fault = (
        "E022", "which is no many-to-many field",
        "Name many-to-many fields; other fields are tracked anyway.",
    )  # fmt: skip
    yield from _named(
        model, "history_m2m", model.smart.history_m2m,
        lambda name: isinstance(known.get(name), models.ManyToManyField), fault,
    )  # fmt: skip


def _personal(model: Any) -> Iterator[CheckMessage]:
    """Check what is emptied when somebody leaves."""
    known = _fields(model)
    fault = ("E023", "which is no text field and cannot be emptied", "Name fields that hold text.")
    yield from _named(
        model, "personal", model.smart.personal,
        lambda name: isinstance(known.get(name), models.CharField | models.TextField), fault,
    )  # fmt: skip


def _unique(model: Any) -> Iterator[CheckMessage]:
    """Check what is unique among the living."""
    names = (name for group in model.smart.unique_alive for name in group.fields)
    unknown = ("E024", "which is no field", "Correct the name.")
    yield from _named(model, "unique_alive", names, _fields(model).__contains__, unknown)


def _retention(model: Any) -> Iterator[CheckMessage]:
    """Check how long deleted rows are kept."""
    kept = model.smart.retention
    if kept is not None and (not isinstance(kept, timedelta) or kept <= timedelta(0)):
        yield _options(
            model, "E025", f"retention is {kept!r}: deleted rows cannot be kept that long.",
            "Give a positive timedelta, or None to keep them.",
        )  # fmt: skip


def _inheritance(model: Any) -> Iterator[CheckMessage]:
    """Check that a row is in one table."""
    for parent in () if model._meta.proxy else model._meta.parents:
        if issubclass(parent, SmartModel):
            yield Error(
                f"{model._meta.label} inherits the table of {parent._meta.label}: "
                "a row in two tables has two histories.",
                hint="Inherit from an abstract model, or make a proxy.",
                obj=model,
                id="smartmodels.E026",
            )


def _placement(model: Any) -> Iterator[CheckMessage]:
    """Check that the model lives in namespaces."""
    if not is_tenant_model(model):
        yield Error(
            f"{model._meta.label} is a smart model in a shared app, but the ledger of histories lives in "
            "namespaces.",
            hint="Move the model to an app of TENANT_APPS.",
            obj=model,
            id="smartmodels.E027",
        )


def _constraints(model: Any) -> Iterator[CheckMessage]:
    """Check that no constraint crosses schemas."""
    for field in model._meta.local_fields:
        target: Any = field.remote_field.model if field.remote_field else None
        if not hasattr(target, "_meta") or is_tenant_model(target) or not field.db_constraint:
            continue
        yield Error(
            f"{field} has a constraint to {target._meta.label}, which lives in the public schema: "
            "with many namespaces, deleting one row there locks a table in each.",
            hint="Set db_constraint=False; services keep the integrity.",
            obj=field,
            id="smartmodels.E028",
        )


def _storages(model: Any) -> Iterator[CheckMessage]:
    """Check that uploaded files are kept apart."""
    for field in model._meta.local_fields:
        if isinstance(field, models.FileField) and not isinstance(field.storage, NamespaceStorage):
            yield Warning(
                f"{field} keeps files where all namespaces do: a name in a row of one reaches the files of "
                "others, and neither exports nor clones hold them.",
                hint='Set STORAGES["default"] to smartmodels.tenancy.uploads.NamespaceStorage.',
                obj=field,
                id="smartmodels.W030",
            )


def _manager(model: Any) -> Iterator[CheckMessage]:
    """Check that the first manager shows living rows."""
    if not isinstance(model._default_manager, SmartAliveManager):
        yield Error(
            f"The first manager of {model._meta.label}, {model._default_manager.name!r}, is none of living "
            "rows: related rows and forms would show deleted ones, and those of others in private mode.",
            hint="Keep `objects`, or make yours from SmartAliveManager.",
            obj=model,
            id="smartmodels.E029",
        )


_OF_SMART: tuple[Callable[[Any], Iterator[CheckMessage]], ...] = (
    _excluded, _links, _personal, _unique, _retention, _inheritance, _placement, _manager,
)  # fmt: skip


def faults_of(model: type[models.Model]) -> list[CheckMessage]:
    """Return what is wrong with one model."""
    found: list[CheckMessage] = []
    if is_tenant_model(model) and not model._meta.proxy:
        found += [*_constraints(model), *_storages(model)]
    if issubclass(model, SmartModel):
        found += [message for check in _OF_SMART for message in check(model)]
    return found


@register("smartmodels")
def check_models(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Return what is wrong with the models of these apps, by default of all."""
    configs = apps.get_app_configs() if app_configs is None else app_configs
    return [message for config in configs for model in config.get_models() for message in faults_of(model)]
