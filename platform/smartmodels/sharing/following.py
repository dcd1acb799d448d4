"""Whether what belongs to covered rows follows them, and only that: found and mended, after what nobody saw.

New rows and moved ones follow at once (``covering``, ``sharing.sql``). What is made while somebody begins to
share what it belongs to may be missed, and so is what is written past the triggers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from smartmodels.querysets import is_private
from smartmodels.sharing.covering import keys_above
from smartmodels.sharing.grants import GrantStatus, get_grant_model, get_registry_model
from smartmodels.sharing.policies import Sharing, policy_of
from smartmodels.sharing.registering import label_of
from smartmodels.tenancy.models import get_namespace_model
from smartmodels.tenancy.triggers import quoted

__all__ = ["cover_rows", "end_unruly", "uncovered_rows", "unruly_grants"]

_LIVING = "('pending', 'active', 'suspended')"


def uncovered_rows(namespace: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Yield models, and keys of their rows that belong to a covered row but do not follow its grant.

    Not those that somebody took back or left, and none while the namespace lets nothing out.
    """
    if is_private() or policy_of(namespace).outbound == Sharing.OFF:
        return
    for model in _models_below():
        keys = _keys(_UNCOVERED, model, namespace)
        if keys:
            yield model, keys


def cover_rows(namespace: Any, model: Any, keys: Sequence[Any]) -> None:
    """Grant rows of the namespace like what they belong to, with all that belongs to them."""
    names = _names()
    with transaction.atomic(), connection.cursor() as cursor:
        # Before the grants, as who ends the life of the home.
        cursor.execute(f"SELECT FROM {names['namespaces']} WHERE id = %s FOR SHARE", [namespace.pk])
        where = [namespace.pk, str(namespace.schema_name), model._meta.db_table]
        cursor.execute(
            "SELECT public.smartmodels_cover(%s, %s, %s, %s::text[], %s::uuid[])",
            [*where, _arguments(model), list(keys)],
        )


def unruly_grants(namespace: Any) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    """Yield models with the grants that cover their rows although these do not belong to what is covered.

    The keys of the grants, and those of the rows.
    """
    for model in _models_below():
        with connection.cursor() as cursor:
            cursor.execute(_made(_UNRULY, model, namespace), [namespace.pk, label_of(model)])
            found = cursor.fetchall()
        if found:
            yield model, [grant for grant, _ in found], [row for _, row in found]


def end_unruly(grants: Sequence[Any]) -> None:
    """Take grants back."""
    get_grant_model().objects.filter(pk__in=list(grants)).update(status=GrantStatus.REVOKED)


def _models_below() -> list[Any]:
    models: list[Any] = list(apps.get_models())
    shared = [each for each in models if hasattr(each, "smart") and hasattr(each, "namespaces")]
    return [each for each in shared if each.smart.shareable and keys_above(each)]


def _arguments(model: Any) -> list[str]:
    """Return what the trigger of the model's table tells the database of it."""
    above = [(field.column, label_of(field.remote_field.model)) for field in keys_above(model)]
    own = (label_of(model), model._meta.pk.column, model.smart.label_column(model))
    return [*own, *(word for pair in above for word in pair)]


def _names() -> dict[str, str]:
    models = {
        "grants": get_grant_model(), "registry": get_registry_model(), "namespaces": get_namespace_model(),
    }  # fmt: skip
    return {name: f"public.{quoted(model._meta.db_table)}" for name, model in models.items()}


def _made(sql: str, model: Any, namespace: Any) -> str:
    above = ", ".join(
        f"(t.{quoted(field.column)}, '{label_of(field.remote_field.model)}')" for field in keys_above(model)
    )
    return sql.format(
        **_names(),
        rows=f"{quoted(str(namespace.schema_name))}.{quoted(model._meta.db_table)}",
        key=quoted(model._meta.pk.column),
        above=above,
    )


def _keys(sql: str, model: Any, namespace: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_made(sql, model, namespace), [namespace.pk, label_of(model)])
        return [key for (key,) in cursor.fetchall()]


_UNCOVERED = f"""
    SELECT DISTINCT t.{{key}} FROM {{rows}} t CROSS JOIN LATERAL (VALUES {{above}}) a (key, model)
    JOIN {{registry}} o ON o.home_id = %s AND o.model = a.model AND o.resource_id = a.key
    JOIN {{grants}} s ON s.resource_id = o.id AND s.covers_below AND s.status IN {_LIVING}
        AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
    WHERE NOT EXISTS (
        SELECT FROM {{registry}} r JOIN {{grants}} g ON g.resource_id = r.id
        WHERE r.home_id = o.home_id AND r.model = %s AND r.resource_id = t.{{key}}
            AND (g.target_id = s.target_id
                OR g.target_id IS NULL AND s.target_id IS NULL AND g.target_slug = s.target_slug)
            AND (g.status IN {_LIVING} OR g.source_id = s.id
                OR g.cause <> 'rule' AND g.ended_at >= s.created_at)
    ) ORDER BY 1
"""  # noqa: S608
_UNRULY = f"""
    SELECT g.id, g.row_id FROM {{grants}} g JOIN {{rows}} t ON t.{{key}} = g.row_id
    LEFT JOIN {{grants}} s ON s.id = g.source_id
    WHERE g.home_id = %s AND g.model = %s AND g.cause = 'rule' AND g.status IN {_LIVING} AND NOT EXISTS (
        SELECT FROM (VALUES {{above}}) a (key, model) WHERE a.key = s.row_id AND a.model = s.model)
    ORDER BY 1
"""  # noqa: S608
