"""The tests' settings with django-tenants' own engine and router, for the process it is measured in."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

DATABASES["default"]["ENGINE"] = "django_tenants.postgresql_backend"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
INSTALLED_APPS = ["django_tenants", *(app for app in INSTALLED_APPS if app != "django_tenants")]
