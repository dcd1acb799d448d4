"""The addresses of pages: those of one model, and those of every app that has some."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.urls import NoReverseMatch, include, path, reverse
from django.utils.text import slugify

from smartmodels.models import SmartModel
from smartmodels.tenancy.placement import tenant_labels
from smartmodels.views.reading import SmartDeletedView, SmartDetailView, SmartHistoryView, SmartListView
from smartmodels.views.writing import SmartCreateView, SmartDeleteView, SmartRestoreView, SmartUpdateView

__all__ = ["app_pages", "page_lists", "row_pages"]

_READING: dict[str, tuple[str, type[Any]]] = {
    "list": ("", SmartListView),
    "deleted": ("deleted/", SmartDeletedView),
    "detail": ("<uuid:pk>/", SmartDetailView),
    "history": ("<uuid:pk>/history/", SmartHistoryView),
}
_WRITING: dict[str, tuple[str, type[Any]]] = {
    "add": ("add/", SmartCreateView),
    "edit": ("<uuid:pk>/edit/", SmartUpdateView),
    "delete": ("<uuid:pk>/delete/", SmartDeleteView),
    "restore": ("<uuid:pk>/restore/", SmartRestoreView),
}


def row_pages(
    model: type[SmartModel], *mixins: type[Any], read_only: bool = False, **attributes: Any
) -> list[Any]:
    """Return the URL patterns of all pages of a model: ``studies/``, ``studies/add/``, ...

    ``mixins`` come before every view, ``attributes`` (such as ``form_class`` or ``columns``) are set on those
    views that have them. Views of your own under the same names, put before these, take their places::

        urlpatterns = [
            path("studies/", MyStudies.as_view(), name="research-study-list"),
            *row_pages(Study, form_class=StudyForm),
        ]

    Raises TypeError for an attribute that no view has.
    """
    pages = _READING if read_only else {**_READING, **_WRITING}
    if unknown := [name for name in attributes if not any(hasattr(view, name) for _, view in pages.values())]:
        raise TypeError(f"No page of {model._meta.label} has {', '.join(unknown)}: see smartmodels.views.")
    options = model._meta
    plural, name = slugify(str(options.verbose_name_plural)), f"{options.app_label}-{options.model_name}"
    patterns = []
    for page, (route, view) in pages.items():
        body = {key: value for key, value in attributes.items() if hasattr(view, key)}
        made: Any = type(view.__name__, (*mixins, view), {**body, "model": model, "__doc__": view.__doc__})
        patterns.append(path(f"{plural}/{route}", made.as_view(), name=f"{name}-{page}"))
    return patterns


def app_pages() -> list[Any]:
    """Return the URL patterns of every tenant app that has a module ``urls``: below ``/<app>/``."""
    labels = tenant_labels()
    found = [config for config in apps.get_app_configs() if config.label in labels]
    return [
        path(f"{config.label}/", include(f"{config.name}.urls"))
        for config in found
        if find_spec(f"{config.name}.urls") is not None
    ]


def page_lists() -> list[tuple[str, str]]:
    """Return (name, address) of the list of each model that has pages on the host of the request."""
    lists = []
    for model in apps.get_models():
        options = model._meta
        if issubclass(model, SmartModel) and options.app_label in tenant_labels() and not options.proxy:
            try:
                address = reverse(f"{options.app_label}-{options.model_name}-list")
            except NoReverseMatch:
                continue
            plural = str(options.verbose_name_plural)
            lists.append((plural[:1].upper() + plural[1:], address))
    return sorted(lists)
