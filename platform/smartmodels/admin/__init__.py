"""The admin: one site for the members of each namespace, one for staff on the public host.

A tenant app needs no ``admin.py``: its smart models are registered by themselves. To customise one::

    from smartmodels import admin as smart_admin

    @smart_admin.register(Study)
    class StudyAdmin(smart_admin.SmartModelAdmin):
        list_display = ("code", "title")
"""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin as django_admin

from smartmodels.admin.model_admin import SmartModelAdmin
from smartmodels.admin.own_rows import OwnRowsAdminMixin
from smartmodels.admin.quiet import StaffModelAdmin
from smartmodels.admin.sites import NamespaceAdminSite, StaffAdminSite, namespace_site, staff_site

__all__ = [
    "NamespaceAdminSite",
    "OwnRowsAdminMixin",
    "SmartModelAdmin",
    "StaffAdminSite",
    "StaffModelAdmin",
    "namespace_site",
    "register",
    "staff_site",
]


def register(*models: Any) -> Callable[[type[SmartModelAdmin]], type[SmartModelAdmin]]:
    """Register the decorated admin class for ``models`` on the site of the namespaces."""
    decorate: Any = django_admin.register(*models, site=namespace_site)
    return cast(Callable[[type[SmartModelAdmin]], type[SmartModelAdmin]], decorate)
