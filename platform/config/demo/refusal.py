"""Where the demo may run: its passwords are public, so never beside real tenants."""

from __future__ import annotations

from django.db import connection

from config.demo.cast import STAFF
from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.conf import settings
from smartmodels.exceptions import InvalidInput

__all__ = ["refuse_real_data"]


def refuse_real_data() -> None:
    """Raise InvalidInput, before anything is changed, unless this is the demo's own place.

    That is: the base domain is localhost, and the database is new, or one the demo has run in before,
    or one without namespaces of others.
    """
    domain = settings().BASE_DOMAIN
    if domain != "localhost" and not domain.endswith(".localhost"):
        raise InvalidInput(
            f"The demo's passwords are public, so it runs on localhost only and not on {domain}: "
            "unset BASE_DOMAIN, or make namespaces with `manage.py namespace create`."
        )
    tables = set(connection.introspection.table_names())
    if not {Namespace._meta.db_table, User._meta.db_table} <= tables:
        return
    if User.objects.filter(pk=STAFF.key).exists():
        return
    others = Namespace.objects.values_list("slug", flat=True).order_by("slug")[:4]
    if others:
        raise InvalidInput(
            f"This database holds namespaces the demo did not make ({', '.join(others)}), and the demo's "
            "passwords are public: let DATABASE_URL name an empty database, or unset it."
        )
