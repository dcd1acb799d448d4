"""What an app inherits: the endpoints of a smart model and of a resource."""

from __future__ import annotations

from smartmodels.rest.bulk import BulkMixin, IdempotencyMixin, ImportMixin, RehearsalMixin
from smartmodels.rest.comparing import CompareMixin
from smartmodels.rest.histories import HistoryMixin
from smartmodels.rest.nested import NestedMixin
from smartmodels.rest.restoring import RestoreMixin
from smartmodels.rest.reverting import RevertMixin
from smartmodels.rest.viewsets import RowViewSet

__all__ = ["ResourceViewSet", "SmartViewSet"]


class SmartViewSet(
    IdempotencyMixin,
    RehearsalMixin,
    NestedMixin,
    ImportMixin,
    BulkMixin,
    RestoreMixin,
    CompareMixin,
    HistoryMixin,
    RevertMixin,
    RowViewSet,
):
    """The endpoints of a smart model: its rows, what was deleted, every version, and the way back."""


class ResourceViewSet(SmartViewSet):
    """The endpoints of a resource, whose rows may be visible in several namespaces.

    :meth:`get_queryset` says which rows those are: here the namespace's own.
    """
