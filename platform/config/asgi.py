"""The platform for ASGI servers: ``config.asgi:application``."""

import os

from django.core.asgi import get_asgi_application

__all__ = ["application"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Every request has a thread of its own there, and nobody would come back for a connection that it keeps.
os.environ.setdefault("DATABASE_MAX_AGE", "0")

application = get_asgi_application()
