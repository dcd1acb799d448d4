"""Write to a row of another namespace through the grant that shows it here.

The grant is held until the transaction ends: who takes it back waits for what is under way, or has taken it
back before anything was written (DESIGN S2, S3). Rows are locked before grants, here as everywhere: a
deletion holds the row when it marks its grants.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from smartmodels.context import namespace_scope, operation, require_namespace
from smartmodels.exceptions import NotPermitted, RowNotFound
from smartmodels.querysets import showing
from smartmodels.sharing.grants import GrantRole, GrantStatus, get_grant_model
from smartmodels.sharing.reading import given_here, given_like
from smartmodels.sharing.registering import label_of
from smartmodels.tenancy.routing import require_served
from smartmodels.tenancy.triggers import quoted

__all__ = ["at_home", "grant_to_write", "granted_keys", "hold_grant", "manages_all", "through_grant"]

_HOLD = """
    SELECT role FROM {grants} WHERE id = %s AND status = 'active' AND (NOT resource_deleted OR %s)
        AND (expires_at IS NULL OR expires_at > clock_timestamp())
    FOR SHARE
"""


def _active(*given: Q, **conditions: Any) -> Any:
    """Return the grants that hold now and meet the conditions, of deleted rows as well."""
    return get_grant_model().objects.filter(
        *given, Q(expires_at__isnull=True) | Q(expires_at__gt=Now()), status=GrantStatus.ACTIVE, **conditions
    )


def grant_to_write(model: type[Any], pk: Any, role: str, *, deleted: bool = False) -> Any:
    """Return the grant by which the bound namespace may do with the row what takes ``role``.

    With ``deleted`` it may be deleted: only who manages a row then knows of it. Raises RowNotFound where
    nothing shows the row here, NotPermitted where it may do less, and what its home would answer while it
    serves nobody.
    """
    shown = _active(given_here(), model=label_of(model), row_id=pk)
    if not deleted:
        shown = shown.filter(resource_deleted=False)
    found = shown.select_related("home", "resource").first()
    if found is None or (found.resource_deleted and found.role != GrantRole.MANAGE):
        raise RowNotFound(f"There is no such {model._meta.verbose_name} here.")
    _require_role(model, found.role, role)
    require_served(found.home)
    return found


def _require_role(model: type[Any], given: str, needed: str) -> None:
    if GrantRole(given).rank < GrantRole(needed).rank:
        raise NotPermitted(
            f"This {model._meta.verbose_name} is shared with this namespace to {given} it, "
            f"which takes one to {needed} it: ask its home."
        )


@contextmanager
def through_grant(grant: Any) -> Iterator[None]:
    """Bind the home of the grant; what is written there says through whom it came, and by which grant.

    In private mode the row counts as the actor's own in the block.
    """
    here = require_namespace()
    with at_home(grant), operation(via=here.slug, via_grant=grant.pk):
        yield


@contextmanager
def at_home(grant: Any) -> Iterator[None]:
    """Bind the home of the grant; in private mode its row counts as the actor's own in the block."""
    with namespace_scope(grant.home), showing(apps.get_model(grant.model), [grant.row_id]):
        yield


def hold_grant(grant: Any, model: type[Any], role: str, *, deleted: bool = False) -> None:
    """Hold the grant until the transaction ends, and judge it as it is then.

    Lock the row first. Raises RowNotFound for a grant that is over by now, NotPermitted for one that allows
    less by now.
    """
    table = f"public.{quoted(get_grant_model()._meta.db_table)}"
    with connection.cursor() as cursor:
        cursor.execute(_HOLD.format(grants=table), [grant.pk, deleted])
        found = cursor.fetchone()
    if found is None:
        raise RowNotFound(f"There is no such {model._meta.verbose_name} here.")
    _require_role(model, found[0], role)


def granted_keys(model: type[Any], grant: Any) -> Any:
    """Return the keys of the living rows of a home that its grants show now to whom ``grant`` is given."""
    shown = _active(given_like(grant), home_id=grant.home_id, resource_deleted=False)
    return shown.filter(model=label_of(model)).values("row_id")


def manages_all(grant: Any, rows: Mapping[Any, Iterable[Any]]) -> bool:
    """Tell whether the target of ``grant`` manages all these rows (keys by model) of its home."""
    keys = {(label_of(model), key) for model, some in rows.items() for key in some}
    managed = _active(given_like(grant), home_id=grant.home_id, role=GrantRole.MANAGE)
    return keys <= set(managed.filter(row_id__in={key for _, key in keys}).values_list("model", "row_id"))
