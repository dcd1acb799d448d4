"""The REST API of sharing: shared rows in every list, and the grants themselves."""

from __future__ import annotations

from typing import Any

from shared_apps.sharing.grants import viewers  # noqa: F401 - every resource says who can see a row
from shared_apps.sharing.grants.policy import SharingPolicyView
from shared_apps.sharing.grants.viewsets import GrantViewSet
from shared_apps.sharing.visibility import SCOPES, shared_row, visible_rows
from smartmodels.exceptions import NotPermitted
from smartmodels.rest import InvalidParameter, NotFound, ResourceViewSet, extend

__all__ = ["GrantViewSet", "SharedRows", "SharingPolicyView"]


def _choice(request: Any, name: str, choices: tuple[str, ...], default: str) -> str:
    given: str = request.query_params.get(name, default)
    if given not in choices:
        raise InvalidParameter(name, f"One of {', '.join(choices)}.")
    return given


@extend(ResourceViewSet)
class SharedRows:
    """Show what others share with the namespace: in lists (``?scope=``), and one by one."""

    def known_parameters(self: Any) -> frozenset[str]:
        """Add ``scope`` to what may stand in the query string of a list."""
        known: frozenset[str] = super().known_parameters()  # type: ignore[misc]
        return known | {"scope"} if self.is_listing and self.shows_shared else known

    def get_queryset(self: Any) -> Any:
        """Return what is visible here; whatever is not a list of living rows stays with the own rows."""
        if not (self.is_listing and self.shows_shared):
            return super().get_queryset()  # type: ignore[misc]
        scope = _choice(self.request, "scope", SCOPES, "all")
        if self.wants_deleted() or self.wants_past():
            own = super().get_queryset()  # type: ignore[misc]
            return own.none() if scope == "shared" else own
        return visible_rows(self.model, scope)

    def get_object(self: Any, *, lock: bool = False) -> Any:
        """Return an own row, or to read one that is shared; raise NotPermitted for a write to such a row."""
        try:
            return super().get_object(lock=lock)  # type: ignore[misc]
        except NotFound:
            hides = self.wants_past() or not self.shows_shared
            row = None if hides else shared_row(self.model, self.key())
            if row is None:
                raise
        if self.action != "retrieve":
            raise NotPermitted(
                f"This {self.model._meta.verbose_name} is shared with this namespace for reading: "
                "it is changed at its home."
            )
        return row
