"""A URLconf with an admin site in which everybody sees their own keepers."""

from django.urls import path

from config.pages import namespace_home
from smartmodels.admin import NamespaceAdminSite, OwnRowsAdminMixin, SmartModelAdmin
from tests.zoo.models import Keeper


class KeeperAdmin(OwnRowsAdminMixin, SmartModelAdmin):
    """One's own keepers."""


site = NamespaceAdminSite(name="admin")
site.register(Keeper, KeeperAdmin)
urlpatterns = [path("", namespace_home, name="home"), path("admin/", site.urls)]
