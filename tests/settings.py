"""The project's settings with tenant apps that only tests need."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, TENANT_APPS

TENANT_APPS = [*TENANT_APPS, "tests.zoo", "tests.shop"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.zoo", "tests.shop"]
