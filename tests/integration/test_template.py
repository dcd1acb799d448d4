"""A schema made from the template's script is the one that the migrations make."""

from typing import Any

import pytest

from shared_apps.namespaces.models import Namespace, SchemaTemplate
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.migrating import migrate_namespace
from smartmodels.tenancy.schemas import create_schema
from smartmodels.tenancy.template.catalogue import definitions
from smartmodels.tenancy.template.proving import differing
from tests.support.dumps import dump_of


@pytest.fixture
def migrated(committing: Any, ana: Any) -> Namespace:
    """A namespace whose tables Django's migrations made."""
    namespace = provisioning.reserve("migrated", name="Migrated", owner=ana)
    create_schema(namespace.schema_name, namespace.pk)
    migrate_namespace(namespace)
    return namespace


def test_script__replayed__makes_what_the_migrations_make(
    committing: Any, migrated: Namespace, alpha: Namespace
) -> None:
    """PostgreSQL's own dump of both says the same, and so does ours."""
    assert SchemaTemplate.objects.get().error == ""
    assert differing(definitions(migrated.schema_name), definitions(alpha.schema_name)) == []
    assert dump_of(alpha.schema_name, committing.url) == dump_of(migrated.schema_name, committing.url)
