"""Many rows at once go in by COPY; what is stored is what single saves would have stored."""

import uuid
from contextvars import Context
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Upper
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_apps.namespaces.models import Namespace
from smartmodels.context import namespace_scope
from smartmodels.exceptions import ActorRequired, NamespaceMismatch
from smartmodels.history import history_model
from tests.zoo.models import Animal, Enclosure, Keeper

pytestmark = pytest.mark.usefixtures("in_alpha")

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ANIMALS = st.fixed_dictionaries(
    {
        "name": TEXT,
        "weight": st.none() | st.decimals(-99999, 99999, places=6),
        "seen_at": st.none()
        | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        "payload": JSON,
        "photo": TEXT,
        "ratio": st.none() | st.floats(allow_nan=False),
    }
)
COMPARED = ("name", "weight", "seen_at", "payload", "photo", "chip", "ratio", "enclosure_id", "owner_id")


def values_of(rows: list[Animal]) -> list[dict[str, Any]]:
    """What the database holds for the rows, in their order."""
    stored = Animal.objects.in_bulk([row.pk for row in rows])
    return [{name: getattr(stored[row.pk], name) for name in COMPARED} for row in rows]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ANIMALS, min_size=1, max_size=8))
def test_bulk_create__any_values__stores_what_single_saves_store(
    in_alpha: Any, values: list[dict[str, Any]]
) -> None:
    """Both ways give the same rows, also read back from history."""
    enclosure = Enclosure.objects.create(name="E")
    values = (values * 60)[:60]
    copied = Animal.objects.bulk_create([Animal(enclosure=enclosure, **each) for each in values])
    saved = [Animal.objects.create(enclosure=enclosure, **each) for each in values[:8]]
    assert values_of(copied)[:8] == values_of(saved)
    versions = history_model(Animal).objects.filter(id__in=[row.pk for row in copied])
    assert sorted((v.name, v.history_type) for v in versions) == sorted((v["name"], "+") for v in values)


def keepers(count: int = 60, **values: Any) -> list[Keeper]:
    return [Keeper(**{"name": f"K{n}", **values}) for n in range(count)]


def test_bulk_create__many_rows__is_one_copy() -> None:
    """The rows and their history travel in one statement."""
    with CaptureQueriesContext(connection) as queries:
        Keeper.objects.bulk_create(keepers())
    assert [query["sql"][:4] for query in queries if "zoo_keeper" in query["sql"]] == ["COPY"]


def test_bulk_create__batch_size__is_a_copy_per_batch() -> None:
    """The size of batches is the caller's."""
    with CaptureQueriesContext(connection) as queries:
        Keeper.objects.bulk_create(keepers(150), batch_size=60)
    assert sum("COPY" in query["sql"] for query in queries) == 3
    assert Keeper.objects.count() == 150


def test_bulk_create__duplicate__raises_integrity_error_and_stores_nothing() -> None:
    """A violated constraint is the error an INSERT gives."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Keeper.objects.bulk_create(keepers(email="same@example.org"))
    assert Keeper.objects.count() == 0


def test_bulk_create__expressions__are_computed() -> None:
    """A value that the database computes goes the ordinary way."""
    rows = keepers(60, name="ann")
    rows[3].name = Upper(Value("bob"))  # type: ignore[assignment]
    Keeper.objects.bulk_create(rows)
    assert Keeper.objects.filter(name="BOB").count() == 1


def test_bulk_create__value_too_long__raises_data_error() -> None:
    """The database's own limits hold."""
    with pytest.raises(DataError), transaction.atomic():
        Keeper.objects.bulk_create(keepers(name="x" * 101))


def test_bulk_create__no_operation__is_refused(alpha: Namespace) -> None:
    """COPY is a write like any other."""

    def write() -> None:
        with namespace_scope(alpha):
            Keeper.objects.bulk_create(keepers())

    with pytest.raises(ActorRequired):
        Context().run(write)


def test_bulk_create__row_of_another_namespace__is_refused(beta: Namespace) -> None:
    """A row stays where it was made."""
    rows = keepers()
    with namespace_scope(beta), pytest.raises(NamespaceMismatch):
        Keeper.objects.bulk_create(rows)


def test_bulk_create__upsert__updates_in_place() -> None:
    """Conflict options are left to INSERT."""
    rows = Keeper.objects.bulk_create(keepers())
    for row in rows:
        row.name = "renamed"
    Keeper.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=["name"])
    assert set(Keeper.objects.values_list("name", flat=True)) == {"renamed"}


def test_bulk_create__ignore_conflicts__keeps_the_rows_there_are() -> None:
    """Rows that are there stay as they are."""
    rows = Keeper.objects.bulk_create(keepers())
    again = [Keeper(id=row.pk, name="other") for row in rows]
    Keeper.objects.bulk_create(again, ignore_conflicts=True)
    assert not Keeper.objects.filter(name="other").exists()


def test_bulk_create__own_keys_and_times__are_kept() -> None:
    """Keys and creation times that the caller sets are stored."""
    key, moment = uuid.uuid4(), datetime(2009, 11, 1, tzinfo=UTC)
    rows = keepers()
    rows[0].pk, rows[0].created_at = key, moment
    Keeper.objects.bulk_create(rows)
    assert Keeper.objects.get(pk=key).created_at == moment


def test_bulk_create__then_updated_by_expression__has_history() -> None:
    """Rows that were copied are tracked like others."""
    enclosure = Enclosure.objects.create(name="E")
    Animal.objects.bulk_create([Animal(enclosure=enclosure, name="a", weight=Decimal(1)) for _ in range(60)])
    Animal.objects.update(weight=F("weight") + 1)
    versions = history_model(Animal).objects.filter(history_type="~")
    assert set(versions.values_list("weight", flat=True)) == {Decimal(2)}
