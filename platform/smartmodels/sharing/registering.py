"""Enter rows in the registry, as they are when the transaction ends."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection, models, transaction

from smartmodels.context import require_namespace
from smartmodels.exceptions import RowNotFound, ShareRefused
from smartmodels.sharing.grants import get_registry_model
from smartmodels.tenancy.models import get_namespace_model, new_key
from smartmodels.tenancy.triggers import quoted

__all__ = ["WHOSE", "hold_home", "label_of", "register"]

WHOSE = (
    "CASE WHEN t.deleted_at IS NULL THEN t.owner_id ELSE coalesce(t.owner_before_deletion_id, t.owner_id) END"
)
"""SQL: whose a row ``t`` is; of a deleted one whose it was."""


def label_of(model: type[models.Model]) -> str:
    """Return how the registry names a model, such as ``research.study``."""
    return model._meta.label_lower


def hold_home(grant: Any) -> None:
    """Hold the home as it is, before the grant: who ends the life of a home holds it when they end grants."""
    table = f"public.{quoted(get_namespace_model()._meta.db_table)}"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT FROM {table} WHERE id = %s FOR SHARE", [grant.home_id])


def register(model: Any, keys: Iterable[uuid.UUID], *, deleted: bool = False) -> dict[uuid.UUID, Any]:
    """Enter rows of the bound namespace in the registry; return the key there of each: two statements.

    The rows are held until the transaction ends, so that nobody changes them in between. Raises RowNotFound
    for a key without a row, and ShareRefused for a deleted row, unless ``deleted`` ones are entered too.
    """
    wanted = sorted(set(keys))
    with transaction.atomic(), connection.cursor() as cursor:
        # By itself: what is inserted is then the row as whoever was waited for left it.
        home = require_namespace()
        cursor.execute(_HOLD.format(**_names(model)), [home.pk, home.schema_name, wanted])
        held = dict(cursor.fetchall())
        if missing := set(wanted) - set(held):
            raise RowNotFound(f"There is no {model._meta.verbose_name} {min(missing)} here.")
        if any(held.values()) and not deleted:
            raise ShareRefused("A deleted row cannot be shared: restore it first.")
        values = [require_namespace().pk, label_of(model), [new_key() for _ in wanted], wanted]
        cursor.execute(_ENTER.format(**_names(model)), values)
        return dict(cursor.fetchall())


def _names(model: Any) -> dict[str, str]:
    named_by = model.smart.label_column(model)
    return {
        "namespaces": f"public.{quoted(get_namespace_model()._meta.db_table)}",
        "registry": f"public.{quoted(get_registry_model()._meta.db_table)}",
        "table": quoted(model._meta.db_table),
        "key": quoted(model._meta.pk.column),
        "whose": WHOSE,
        "label": f"public.smartmodels_label(t.{quoted(named_by)}::text)" if named_by else "''",
    }


# The home is held as well, so that no restore serves it from other tables meanwhile, unseen by this.
_HOLD = """
    SELECT t.{key}, t.deleted_at IS NOT NULL FROM {table} t,
        (SELECT FROM {namespaces} WHERE id = %s AND schema_name = %s FOR SHARE) home
    WHERE t.{key} = ANY (%s) ORDER BY 1 FOR SHARE OF t
"""
_ENTER = """
    INSERT INTO {registry} AS r (home_id, model, id, resource_id, label, sorted_at, deleted_at, owner_id)
    SELECT %s, %s, given.id, t.{key}, {label}, t.created_at, t.deleted_at,
        {whose}
    FROM unnest(%s::uuid[], %s::uuid[]) AS given (id, key) JOIN {table} t ON t.{key} = given.key
    ON CONFLICT (home_id, model, resource_id) DO UPDATE SET label = EXCLUDED.label,
        deleted_at = EXCLUDED.deleted_at,
        purged_at = NULL, owner_id = EXCLUDED.owner_id,
        sorted_at = CASE WHEN r.purged_at IS NULL THEN r.sorted_at ELSE EXCLUDED.sorted_at END
    RETURNING resource_id, id
"""
