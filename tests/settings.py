"""The project's settings with one tenant app more, which only tests need."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, TENANT_APPS

TENANT_APPS = [*TENANT_APPS, "tests.zoo"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.zoo"]
