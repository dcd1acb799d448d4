"""Rows whose owner, author or editor is an account that is not there, or not open any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings

from smartmodels.fsck.findings import Check, Finding, keys_of
from smartmodels.ownership import hand_over, owned_models, sentinel_id
from smartmodels.tenancy.triggers import quoted

__all__ = ["CHECKS"]

_HELD = ("owner_id", "owner_before_deletion_id")


def _users() -> str:
    user: Any = apps.get_model(django_settings.AUTH_USER_MODEL)
    return f"public.{quoted(user._meta.db_table)}"


def _columns(model: Any) -> list[str]:
    """Return the columns of a model that name an account."""
    label = django_settings.AUTH_USER_MODEL.lower()
    keys = [
        field.attname
        for field in model._meta.concrete_fields
        if field.remote_field is not None and field.remote_field.model._meta.label_lower == label
    ]
    return [*keys, "former_owner_id", "owner_before_deletion_id"]


def _unknown(model: Any, column: str) -> list[tuple[Any, int]]:
    table, name = quoted(model._meta.db_table), quoted(model._meta.get_field(column).column)
    rows = keys_of(
        f"SELECT ROW({name}, count(*)) FROM {table} t WHERE {name} IS NOT NULL AND NOT EXISTS "  # noqa: S608
        f"(SELECT FROM {_users()} u WHERE u.id = t.{name}) GROUP BY {name} ORDER BY {name}"
    )
    return [(key, int(count)) for key, count in rows]


def _find_missing(namespace: Any) -> Iterator[Finding]:
    for model in owned_models():
        for column in _columns(model):
            found = _unknown(model, column)
            if found:
                rows = sum(count for _, count in found)
                place = f"{model._meta.db_table}.{column}"
                what = f"{rows} rows name an account that does not exist, such as {found[0][0]}."
                yield Finding("account-missing", namespace.slug, place, rows, what,
                              about=(model, column, [key for key, _ in found]))  # fmt: skip


def _mend_missing(_: Any, found: list[Finding]) -> None:
    """Let the sentinel stand where nobody is; a former owner, or a row's later one, may be nobody."""
    for finding in found:
        model, column, keys = finding.about
        rows = model.all_objects.filter(**{f"{column}__in": keys})
        nobody = None if model._meta.get_field(column).null else sentinel_id()
        rows.update(**{column: sentinel_id() if column == "owner_before_deletion_id" else nobody})


def _closed(model: Any, column: str) -> list[Any]:
    table = quoted(model._meta.db_table)
    return keys_of(
        f"SELECT u.id FROM {_users()} u WHERE u.closed_at IS NOT NULL AND u.id <> %s AND EXISTS "  # noqa: S608
        f"(SELECT FROM {table} t WHERE t.{column} = u.id) ORDER BY 1",
        [sentinel_id()],
    )


def _find_closed(namespace: Any) -> Iterator[Finding]:
    for model in owned_models():
        for column in _HELD:
            keys = _closed(model, column)
            if keys:
                what = f"Rows belong to {len(keys)} closed accounts, such as {keys[0]}: a hand-over was left."
                place = f"{model._meta.db_table}.{column}"
                yield Finding("owner-closed", namespace.slug, place, len(keys), what, about=keys)


def _mend_closed(_: Any, found: list[Finding]) -> None:
    for key in {key for finding in found for key in finding.about}:
        hand_over(key)


CHECKS = (
    Check("account-missing", _find_missing, _mend_missing),
    Check("owner-closed", _find_closed, _mend_closed),
)
