"""Links between many rows of what is copied into another namespace: to rows that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smartmodels.context import namespace_scope
from smartmodels.tenancy.placement import is_tenant_model

__all__ = ["Copies", "copy_links"]

Copies = Mapping[tuple[Any, Any], Any]
"""Keys of the copies by model and key of the rows that were copied."""


def copy_links(home: Any, target: Any, source: Any, made: Any, copies: Copies) -> None:
    """Link the copy ``made`` of the row ``source`` as that is, as far as the rows are in ``target``.

    These are the copies that were made along with it, and rows that bear the same key there. Links that are
    rows of a model of their own are left to that model.
    """
    for field in type(source)._meta.many_to_many:
        if not field.remote_field.through._meta.auto_created:
            continue
        to = field.remote_field.model
        with namespace_scope(home):
            keys = list(getattr(source, field.name).values_list("pk", flat=True))
        with namespace_scope(target):
            there = [copies.get((to, key), key) for key in keys]
            if is_tenant_model(to):
                there = list(to._default_manager.filter(pk__in=there).values_list("pk", flat=True))
            if there:
                getattr(made, field.name).add(*there)
