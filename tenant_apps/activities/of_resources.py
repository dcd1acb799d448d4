"""What people do with one resource, at its address: also with one that another namespace shares."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.urls import reverse

from smartmodels.context import namespace_scope, require_namespace
from smartmodels.exceptions import NotPermitted, RowNotFound
from smartmodels.ownership import may_change
from smartmodels.rest import NotFound, ResourceViewSet, Response, action, extend, extend_schema
from smartmodels.rest.access.scoping import require_within_scope
from smartmodels.rest.pagination import BoundedPagination
from smartmodels.rest.served import path_of
from smartmodels.sharing import grant_for
from smartmodels.tenancy.models import Role
from smartmodels.tenancy.routing import require_served
from tenant_apps.activities.models import Activity
from tenant_apps.activities.serializers import ActivitySerializer, SummarySerializer
from tenant_apps.activities.services import activities_on, summarise, withdraw

__all__ = ["ResourceActivities", "address_of"]


def address_of(model: Any, activity: Activity) -> str:
    """Return the address of an activity below that of its resource: it is good wherever that is visible."""
    return reverse(f"{path_of(model)}-activity", args=[activity.resource_id, activity.pk])


@extend(ResourceViewSet)
class ResourceActivities:
    """``GET /{id}/activities/`` and what is below, at every resource.

    Of a resource that another namespace shares, only what came through this one counts and is listed here.
    """

    def known_parameters(self: Any) -> frozenset[str]:
        """Return what may stand in the query string: of the list, which page is wanted."""
        if self.action == "activity_rows":
            return BoundedPagination.parameters
        return super().known_parameters()  # type: ignore[misc,no-any-return]

    def _shown_by(self: Any) -> Any | None:
        """Return the grant that shows the resource here, None for one at home; raise NotFound."""
        try:
            row = self.get_object()
        except (NotFound, NotPermitted):
            row = None
        if row is not None and getattr(row, "home", None) in (None, require_namespace().slug):
            return None
        grant = grant_for(self.model, self.key()) if self.shows_shared else None
        if grant is None:
            raise NotFound(f"There is no such {self.model._meta.verbose_name} here.")
        require_served(grant.home)
        return grant

    @contextmanager
    def _at_home(self: Any) -> Iterator[Any | None]:
        """Bind the home of the resource; yield this namespace where it is another one's."""
        grant, here = self._shown_by(), require_namespace()
        require_within_scope(self.request, str(path_of(Activity)), "read")
        with namespace_scope(here if grant is None else grant.home):
            yield None if grant is None else here

    @extend_schema(responses=SummarySerializer)
    @action(detail=True, filter_backends=(), pagination_class=None)
    def activities(self: Any, request: Any, pk: str) -> Response:
        """Count comments, favourites, likes and votes, and name the kinds that are one's own."""
        with self._at_home() as via:
            found = summarise(self.model, self.key(), via)
        return Response(SummarySerializer(found).data)

    @extend_schema(responses=ActivitySerializer(many=True))
    @action(
        detail=True, filter_backends=(), pagination_class=BoundedPagination,
        url_path="activities/rows", url_name="activity-rows",
    )  # fmt: skip
    def activity_rows(self: Any, request: Any, pk: str) -> Response:
        """List comments, favourites, likes and votes, newest first."""
        with self._at_home() as via:
            rows = activities_on(self.model, self.key(), via).order_by("-created_at", "-pk")
            page = self.paginate_queryset(rows)
            shown = ActivitySerializer(page, many=True).data
        answer: Response = self.get_paginated_response(shown)
        return answer

    @extend_schema(responses=ActivitySerializer)
    @action(
        detail=True, filter_backends=(), pagination_class=None,
        url_path=r"activities/rows/(?P<activity>[0-9a-f-]{36})", url_name="activity",
    )  # fmt: skip
    def activity(self: Any, request: Any, pk: str, activity: str) -> Response:
        """Read one comment, favourite, like or vote."""
        with self._at_home() as via:
            found = activities_on(self.model, self.key(), via).filter(pk=_key(activity)).first()
            if found is None:
                raise RowNotFound("There is no such activity here.")
            return Response(ActivitySerializer(found).data)

    @extend_schema(responses={204: None})
    @activity.mapping.delete
    def remove_activity(self: Any, request: Any, pk: str, activity: str) -> Response:
        """Delete one's own comment, favourite, like or vote; at home admins delete those of others, too."""
        key, grant = _key(activity), self._shown_by()
        require_within_scope(request, str(path_of(Activity)), "write")
        with self.writing():
            if grant is not None:
                withdraw(grant, self.model, key)
            else:
                self._remove_own(key)
        return Response(status=204)

    def _remove_own(self: Any, key: uuid.UUID) -> None:
        rows = activities_on(self.model, self.key()).select_for_update(of=("self",))
        found = rows.filter(pk=key).first()
        if found is None:
            raise RowNotFound("There is no such activity here.")
        if not may_change(Role(self.request._request.membership.role), self.request.user.pk, found):
            raise NotPermitted("Somebody else did this: they, or an admin of this namespace, can delete it.")
        found.delete()


def _key(given: str) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except ValueError as error:
        raise RowNotFound("There is no such activity here.") from error
