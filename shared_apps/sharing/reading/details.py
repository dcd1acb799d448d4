"""One row that is shared with the bound namespace."""

from __future__ import annotations

from typing import Any

from shared_apps.sharing.reading.filling import card_of
from smartmodels.context import namespace_scope
from smartmodels.exceptions import SmartModelsError
from smartmodels.sharing import Home, Shown, active_grants, rows_at_home
from smartmodels.tenancy.migrating.requiring import with_behind

__all__ = ["HomeUnavailable", "shared_row"]


class HomeUnavailable(SmartModelsError):
    """The home of a shared row is in maintenance, or being migrated: ask again later.

    ``card`` is what is known of the row meanwhile.
    """

    code = "home-unavailable"
    status = 503

    def __init__(self, card: dict[str, Any]) -> None:
        super().__init__("The namespace that shares this row cannot be read just now: ask again later.")
        self.card = card


def shared_row(model: Any, pk: Any) -> Any | None:
    """Return the living row that a grant shows in the bound namespace, or None; it belongs to its home.

    The row says ``home``, ``is_shared`` and ``granted_role`` as rows in lists do, and has its ``grant``.
    Raises HomeUnavailable.
    """
    grants = with_behind(active_grants(model).filter(row_id=pk), "home__schema_name")
    grant = grants.order_by("id").first()
    if grant is None:
        return None
    grant.home.is_behind = getattr(grant, "is_behind", False)
    shown = Shown(grant.row_id, grant.role, grant.resource_id)
    if not Home(grant.home, (shown,)).is_readable:
        raise HomeUnavailable(card_of(shown, grant.home.slug, grant.resource.label))
    with namespace_scope(grant.home):
        row: Any = rows_at_home(model).filter(pk=pk).first()
    if row is not None:
        row.home, row.is_shared, row.granted_role = grant.home.slug, True, grant.role
        row.grant = grant
    return row
