"""What the choices of models are called in the OpenAPI document: by model and field, always."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.plumbing import _load_enum_name_overrides
from drf_spectacular.settings import patched_settings, spectacular_settings

from smartmodels.rest.registry import discover, registered

__all__ = ["named_choices"]

_SETTING = "ENUM_NAME_OVERRIDES"


def _choices_of(models: Iterable[Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for model in sorted(models, key=lambda each: str(each._meta.label)):
        for field in model._meta.concrete_fields:
            if field.choices:
                words = field.name.title().replace("_", "")
                yield f"{model.__name__}{words}Enum", tuple(map(tuple, field.flatchoices))


@contextmanager
def named_choices() -> Iterator[None]:
    """Let a document that is made meanwhile name the choices of all registered models.

    Else two models with choices in a field of the same name would get names with a number, and a new app
    would rename what clients were made of.
    """
    discover()
    given = dict(getattr(spectacular_settings, _SETTING))
    _load_enum_name_overrides.cache_clear()
    known: dict[tuple[Any, ...], str] = {}
    for name, choices in _choices_of({viewset.model for viewset in registered().values()}):
        known.setdefault(choices, name)
    of_models = {name: list(choices) for choices, name in known.items()}
    with patched_settings({_SETTING: {**given, **of_models}}):
        yield
    _load_enum_name_overrides.cache_clear()
