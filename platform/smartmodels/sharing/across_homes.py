"""Rows of others as a queryset over their homes, with what is told of them here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import BooleanField, CharField, F, Func, JSONField, TextField, Value
from django.db.models.functions import Cast, Coalesce

from smartmodels.sharing.grants import GrantRole
from smartmodels.sharing.homes import Home, Shown
from smartmodels.sharing.reading import rows_at_home

__all__ = ["shared_rows"]

_VIEW = GrantRole.VIEW.value


def shared_rows(model: Any, homes: Sequence[Home]) -> Any:
    """Return the living rows that these homes share, no more of them than one statement may touch.

    Each says ``home``, ``is_shared`` and ``granted_role``.
    """
    keys = {
        each.namespace.slug: [shown.row_id for shown in each.shown]
        for each in homes
        if each.shown is not None
    }
    rows = rows_at_home(model).across([each.namespace for each in homes], keys)
    role = _role(shown for each in homes for shown in each.shown or ())
    return rows.annotate(is_shared=Value(True, output_field=BooleanField()), granted_role=role)


def _role(shown: Iterable[Shown]) -> Any:
    """Return the expression for the role: by the row's key, where it is not the usual one."""
    usual = Value(_VIEW, output_field=CharField())
    roles = {str(each.row_id): each.role for each in shown if each.role != _VIEW}
    if not roles:
        return usual
    known = Value(roles, output_field=JSONField())
    found = Func(known, Cast(F("pk"), TextField()), template="(%(expressions)s)", arg_joiner=" ->> ",
                 output_field=CharField())  # fmt: skip
    return Coalesce(found, usual)
