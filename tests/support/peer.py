"""django-tenants as it comes, in a process of its own: read a line, do it, answer with its seconds.

"create" makes a tenant by its default way, "testcase" sets up a TenantTestCase; both run migrate_schemas.
"""

import os
import secrets
import sys
import time
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.support.peer_settings"
django.setup()

from django.db import connection  # noqa: E402
from django_tenants.test.cases import TenantTestCase  # noqa: E402

from shared_apps.namespaces.models import Domain, Namespace  # noqa: E402


def tenant(name: str) -> Any:
    """Return an unsaved tenant whose schema is made when it is saved."""
    made = Namespace(slug=name, name=name, schema_name=name)
    made.auto_create_schema = True
    return made


def create() -> None:
    """Make a tenant and its host."""
    made = tenant(f"peer{secrets.token_hex(4)}")
    made.save(verbosity=0)
    Domain.objects.create(tenant=made, domain=f"{made.slug}.localhost", is_primary=True)


class Case(TenantTestCase):
    """A test class as its documentation shows it."""

    @classmethod
    def get_test_schema_name(cls) -> str:
        """Return a name of its own."""
        return cls.schema

    @classmethod
    def get_test_tenant_domain(cls) -> str:
        """Return a host of its own."""
        return f"{cls.schema}.localhost"

    @classmethod
    def setup_tenant(cls, tenant: Any) -> None:
        """Fill in what our tenant needs."""
        tenant.slug, tenant.name = cls.schema, cls.schema
        tenant.auto_create_schema = True

    @classmethod
    def get_verbosity(cls) -> int:
        """Say nothing."""
        return 0

    schema = ""


def testcase() -> None:
    """Set up a test class."""
    Case.schema = f"case{secrets.token_hex(4)}"
    Case.setUpClass()
    connection.set_schema_to_public()


def main() -> None:
    """Answer until there are no more lines."""
    for line in sys.stdin:
        began = time.perf_counter()
        {"create": create, "testcase": testcase}[line.strip()]()
        print(time.perf_counter() - began, file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main()
