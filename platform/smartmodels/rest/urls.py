"""The API's addresses on a namespace's host and on the public one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import include, path, re_path
from rest_framework.routers import APIRootView, DefaultRouter

from smartmodels.rest.bulk import with_collection_writes
from smartmodels.rest.changes.views import ChangeViewSet
from smartmodels.rest.documents import DocsView, RedocView, SchemaView
from smartmodels.rest.fallbacks import no_endpoint
from smartmodels.rest.marks import MarkViewSet
from smartmodels.rest.operations import OperationViewSet
from smartmodels.rest.permissions import MembershipPermission, StaffPermission
from smartmodels.rest.registry import discover, registered
from smartmodels.rest.users import UserWorkViewSet
from smartmodels.rest.views import ApiView

__all__ = ["namespace_api", "public_api"]


class RootView(ApiView, APIRootView):
    """The lists of this API, what stands beside them, and their addresses."""

    schema: Any = None
    open_to_programs = True


class StaffRootView(RootView):
    """The lists of the public API and their addresses."""

    permission_classes = (StaffPermission,)


class _Router(DefaultRouter):
    include_format_suffixes = False
    APIRootView = RootView
    routes = with_collection_writes(DefaultRouter.routes)
    further: Sequence[Any] = ()

    def get_api_root_view(self, api_urls: Any = None) -> Any:
        """Return the view that names the lists, and what stands beside them at an address of its own."""
        lists = {prefix: f"{basename}-list" for prefix, _, basename in self.registry}
        beside = {str(each.pattern).strip("/"): each.name for each in self.further if each.name}
        alone = {place: name for place, name in beside.items() if not {"<", "/"} & set(place)}
        return self.APIRootView.as_view(api_root_dict={**lists, **alone})


class _StaffRouter(_Router):
    APIRootView = StaffRootView


_HISTORY: dict[str, type[Any]] = {
    "changes": ChangeViewSet,
    "marks": MarkViewSet,
    "operations": OperationViewSet,
    "users": UserWorkViewSet,
}

_ABOUT_NAMESPACE = "The REST API of one namespace: its resources and their history, for its members."
_ABOUT_PLATFORM = "The REST API of the public host: namespaces and how they come and go, for staff."


def _mount(router: _Router, further: Sequence[Any], docs: dict[str, Any], about: dict[str, Any]) -> list[Any]:
    router.further = further
    return [
        path("api/v1/", include([*further, *router.urls])),
        path("api/schema/", SchemaView.as_view(**docs, **about), name="schema"),
        path("api/docs/", DocsView.as_view(**docs), name="docs"),
        path("api/redoc/", RedocView.as_view(**docs), name="redoc"),
        re_path(r"^api/", no_endpoint),
    ]


def namespace_api(urlconf: str, viewsets: Mapping[str, type[Any]], *further: Any) -> list[Any]:
    """Return the URL patterns of a namespace's API.

    Everything registered is in it, other ``viewsets`` by path, and ``further`` patterns. ``urlconf`` is
    the dotted name of the module that mounts them.
    """
    discover()
    router = _Router()
    for plural, viewset in {**registered(), **_HISTORY, **viewsets}.items():
        router.register(plural, viewset, basename=plural)
    docs = {"title": "Namespace API", "permission_classes": (MembershipPermission,)}
    return _mount(router, further, docs, {"urlconf": urlconf, "about": _ABOUT_NAMESPACE})


def public_api(urlconf: str, viewsets: Mapping[str, type[Any]], *further: Any) -> list[Any]:
    """Return the URL patterns of the public host's API, for staff: ``viewsets`` by path, and ``further``."""
    router = _StaffRouter()
    for plural, viewset in viewsets.items():
        router.register(plural, viewset, basename=plural)
    docs = {"title": "Platform API", "permission_classes": (StaffPermission,)}
    return _mount(router, further, docs, {"urlconf": urlconf, "about": _ABOUT_PLATFORM})
