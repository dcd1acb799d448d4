"""What mending must never take: the past of namespaces that are gone, and schemas that others work on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from shared_apps.namespaces.models import HeldHost, Namespace
from shared_apps.operations.models import AuditEntry, UsageSample
from smartmodels.context import Actor, operation
from smartmodels.fsck import check_namespaces
from smartmodels.fsck.shared import OF_SCHEMAS
from smartmodels.tenancy import life, provisioning
from smartmodels.tenancy.locking import exclusively
from smartmodels.tenancy.schemas import create_schema, marked_schemas
from smartmodels.tenancy.setting_aside import identity_of, set_aside
from smartmodels.transfer.swapping import swap
from tests.support.closing import in_thread
from tests.support.lives import act


def test_fix__after_a_purge__keeps_what_outlives_the_namespace(committing: Any, alpha: Namespace) -> None:
    """The audit and usage stay to be read, and a host stays held for whom it was of."""
    key = alpha.pk
    until = timezone.now() + timedelta(days=30)
    HeldHost.objects.create(host="alpha.example.org", namespace_id=key, until=until)
    UsageSample.objects.create(namespace_id=key, slug="alpha", day=until.date(), bytes=1, rows=1)
    act(life.delete, alpha)
    act(life.purge, alpha, now=True)
    report = check_namespaces(fix=True)
    assert not [each for each in report.findings if each.code == "namespace-missing"]
    kept = [model.objects.filter(namespace_id=key) for model in (HeldHost, UsageSample, AuditEntry)]
    assert all(rows.exists() for rows in kept)


def test_find__of_schemas__knows_a_namespace_made_meanwhile(db: Any, ana: Any) -> None:
    """A namespace that is made while fsck reads is no leftover, whatever was read first."""
    made: list[Any] = []

    def meanwhile(run: Callable[..., Any], sql: Any, *details: Any) -> Any:
        if "starts_with(obj_description" in str(sql) and not made:
            made.append(None)
            with operation(actor=Actor.system("tests")):
                made[0] = provisioning.provision("quick", name="quick", owner=ana)
        return run(sql, *details)

    with connection.execute_wrapper(meanwhile):
        found = [each.place for each in OF_SCHEMAS.find(None)]
    assert made[0].schema_name not in found


def prepared(namespace: Namespace) -> str:
    """A schema of the namespace beside the one that it is served from."""
    schema = f"{namespace.schema_name}_beside"
    create_schema(schema, identity_of(namespace, schema))
    return schema


def test_mend__of_a_schema_that_is_served_by_now__leaves_it(committing: Any, alpha: Namespace) -> None:
    """What was set aside when it was found, and is swapped in before it is mended, is nothing to drop."""
    schema, mend = prepared(alpha), OF_SCHEMAS.mend
    found = list(OF_SCHEMAS.find(None))
    assert [each.place for each in found] == [schema]
    swap(alpha, schema)
    assert mend is not None
    mend(None, found)
    assert schema in marked_schemas()


def test_mend__while_the_namespace_is_worked_on__leaves_its_schemas(
    committing: Any, alpha: Namespace
) -> None:
    """A restore that is filling a schema keeps it."""
    schema = prepared(alpha)
    reports: list[Any] = []
    with exclusively(alpha):
        in_thread(lambda: reports.append(check_namespaces(fix=True, drop_schemas=True))).join()
    assert schema in marked_schemas()
    assert schema in [each.place for each in reports[0].left]


def test_purge__after_a_restore__leaves_no_schema_set_aside(committing: Any, alpha: Namespace) -> None:
    """Rows that a restore replaced go with the namespace."""
    old = swap(alpha, prepared(alpha))
    alpha.refresh_from_db()
    assert set_aside(alpha) == [old]
    act(life.delete, alpha)
    act(life.purge, alpha, now=True)
    assert old not in marked_schemas()
