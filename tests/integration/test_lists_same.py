"""Rows that PostgreSQL or compiled getters write are, byte by byte, what Django REST framework writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext, isolate_apps
from hypothesis import HealthCheck, given, settings, strategies
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from smartmodels.rest import SmartViewSet
from smartmodels.rest.lists.paging import Window, read_page
from smartmodels.rest.lists.reading import Reading, reading_of
from smartmodels.rest.registry import discover, registered
from smartmodels.rest.serializing import derive_serializer
from tenant_apps.activities.services import record
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.orders import selected
from tests.zoo.models import Animal, Enclosure, Feed, Feeding, Keeper, Permit, Sighting, Tag

ZOO = (Keeper, Tag, Enclosure, Animal, Feed, Feeding, Permit, Sighting)
ODD = ["", '"\\/\b\f\n\r\t\x01\x1f\x7f', "\u2028\u2029", "\U0001f427 \u00e9", "</script>&'%s", "null"]

texts = strategies.one_of(
    strategies.sampled_from(ODD),
    strategies.text(strategies.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
)
moments = strategies.datetimes(timezones=strategies.just(UTC), min_value=datetime(2, 1, 1))  # noqa: DTZ001
floats = strategies.one_of(
    strategies.floats(allow_nan=False, allow_infinity=False),
    strategies.sampled_from([0.0, -0.0, 1e15, 1e15 + 0.5, 1e16, 9999999999999998.0, 1e-4, 9.9e-5, 5e-324]),
)
documents = strategies.recursive(
    strategies.one_of(strategies.none(), strategies.booleans(), texts, floats, strategies.integers()),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def decimals(digits: int, places: int) -> Any:
    return strategies.decimals(
        min_value=-(10 ** (digits - places)) + 1, max_value=10 ** (digits - places) - 1, places=places
    )


def view_of(serializer_class: Any, model: Any) -> Any:
    """An endpoint of a model."""
    kind = type("View", (SmartViewSet,), {"model": model, "serializer_class": serializer_class})
    return kind(request=SimpleNamespace(query_params={}), format_kwarg=None, action="list", kwargs={})


def ways(view: Any, rows: Any) -> dict[str, tuple[str, bytes]]:
    """What each way makes of the rows: how it is called, and the bytes."""
    selection = selected(rows.model)
    serializer = view.get_serializer(rows.order_by("id"), many=True)
    found = {"drf": ("drf", JSONRenderer().render(serializer.data))}
    for written in (True, False):
        reading = reading_of(view, rows.model, selection, written=written)
        found[str(written)] = (type(reading).__name__, as_array(reading, rows, selection.order))
    return found


def as_array(reading: Reading, rows: Any, terms: Any) -> bytes:
    return f"[{reading.as_json(read_page(rows, Window(terms, 1000), reading.read).rows)}]".encode()


def same(view: Any, rows: Any, *names: str) -> None:
    """Compare the ways, and which ones they are."""
    found = ways(view, rows)
    expected = found.pop("drf")[1]
    assert [name for name, _ in found.values()] == list(names)
    assert [content for _, content in found.values()] == [expected] * len(found)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


many = settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@many
@given(code=texts, notes=texts, made=moments, changed=moments)
def test_study__any_texts_and_moments__are_the_same(
    in_alpha: Any, code: str, notes: str, made: Any, changed: Any
) -> None:
    """Texts with every kind of character, moments with and without fractions."""
    discover()
    with undone():
        Study.objects.bulk_create([Study(code=code, notes=notes, created_at=made)])
        Study.objects.update(updated_at=changed)
        view = view_of(registered()["studies"].serializer_class, Study)
        same(view, Study.objects.all(), "_Written", "_Got")


@many
@given(
    seen=strategies.none() | strategies.dates(),
    length=strategies.none() | decimals(5, 1).filter(lambda value: value >= 0),
    delta=strategies.none() | decimals(8, 5),
    mass=strategies.none() | strategies.integers(0, 2**31 - 1),
    sex=strategies.sampled_from(["", "male", "female", "other"]),
    whole=strategies.sampled_from([None, True, False]),
)
def test_specimen_and_observation__any_values__are_the_same(
    in_alpha: Any, seen: Any, length: Any, delta: Any, mass: Any, sex: str, whole: Any
) -> None:
    """Dates, decimals, integers, choices, truth values and references."""
    discover()
    with undone():
        specimen = Specimen(
            study=Study.objects.create(code="S"), number=mass or 0, individual="N", species="A", sex=sex,
            clutch_complete=whole, egg_date=seen,
        )  # fmt: skip
        Specimen.objects.bulk_create([specimen])
        values = {"observed_on": seen, "culmen_length_mm": length, "delta_15_n": delta, "body_mass_g": mass}
        Observation.objects.bulk_create([Observation(specimen=specimen, **values)])
        for model, path in ((Specimen, "specimens"), (Observation, "observations")):
            same(view_of(registered()[path].serializer_class, model), model.objects.all(), "_Written", "_Got")


@many
@given(
    name=texts,
    weight=strategies.none() | decimals(12, 6),
    seen=strategies.none() | moments,
    payload=documents,
    ratio=strategies.none() | floats,
    chip=strategies.none() | strategies.uuids(),
)
def test_animal__any_values__are_the_same(in_alpha: Any, **values: Any) -> None:
    """Plain values in PostgreSQL, floats and JSON by getters, files by the serializer."""
    values["seen_at"] = values.pop("seen")
    with undone():
        place = Enclosure.objects.create(name="P")
        Animal.objects.bulk_create([Animal(enclosure=place, **values), Animal(name="x", enclosure=place)])
        rows = Animal.objects.all()
        without = ("name", "enclosure", "keeper", "mate", "weight", "seen_at", "chip")
        same(view_of(derive_serializer(Animal, without), Animal), rows, "_Written", "_Got")
        same(view_of(derive_serializer(Animal, (*without, "payload", "ratio")), Animal), rows, "_Got", "_Got")
        same(view_of(derive_serializer(Animal), Animal), rows, "_Serialized", "_Serialized")


def test_registered__every_model__is_the_same(in_alpha: Any) -> None:
    """All that this project serves, and all of the zoo."""
    discover()
    study = Study.objects.create(code="S")
    specimen = Specimen.objects.create(study=study, number=1, individual="N", species="A")
    Observation.objects.create(
        specimen=specimen, culmen_length_mm=Decimal("1.5"), observed_on=date(2026, 1, 1)
    )
    record(model=Study, resource_id=study.pk, kind="comment", text="Good")
    place = Enclosure.objects.create(name="P", keeper=Keeper.objects.create(name="K"))
    animal = Animal.objects.create(name="A", enclosure=place, chip=UUID(int=1))
    animal.tags.add(Tag.objects.create(label="t"))
    Feeding.objects.create(animal=animal, feed=Feed.objects.create(name="F"))
    Sighting.objects.create(animal=animal, text="=1+1")
    Permit.objects.create(enclosure=place, keeper=place.keeper)
    for viewset in registered().values():
        found = ways(view_of(viewset.serializer_class, viewset.model), viewset.model.objects.all())
        assert len({content for _, content in found.values()}) == 1
    for model in ZOO:
        fields = [field.name for field in model._meta.many_to_many]
        derived = derive_serializer(model)
        named = derive_serializer(model, ("name", *fields[:1])) if fields else derived
        for serializer in (derived, named):
            found = ways(view_of(serializer, model), model.objects.all())
            assert len({content for _, content in found.values()}) == 1, model


class Shouting(derive_serializer(Study)):  # type: ignore[misc]
    """Writes otherwise."""

    def to_representation(self, instance: Any) -> Any:
        return {"code": instance.code.upper()}


class Asking(derive_serializer(Study)):  # type: ignore[misc]
    """Has a field that asks the row."""

    length = serializers.SerializerMethodField()

    class Meta(derive_serializer(Study).Meta):
        fields = ("code", "length")

    def get_length(self, row: Any) -> int:
        return len(row.code)


class Upper(serializers.CharField):
    """A field of a class that nobody knows."""

    def to_representation(self, value: Any) -> str:
        return str(value).upper()


class Custom(derive_serializer(Study)):  # type: ignore[misc]
    """Has such a field."""

    code = Upper()


@pytest.mark.parametrize("kind", [Shouting, Asking, Custom])
def test_serializer__not_understood__writes_for_itself(in_alpha: Any, kind: Any) -> None:
    """What could do something else is asked."""
    Study.objects.create(code="abc")
    same(view_of(kind, Study), Study.objects.all(), "_Serialized", "_Serialized")


def test_time_zone__not_utc__is_written_by_getters(in_alpha: Any, settings: Any) -> None:
    """Moments are told in the zone in force."""
    settings.TIME_ZONE = "Europe/Vienna"
    Study.objects.create(code="abc")
    same(view_of(derive_serializer(Study), Study), Study.objects.all(), "_Got", "_Got")


def test_durations_and_times__of_any_model__are_written_by_getters(in_alpha: Any) -> None:
    """Kinds that PostgreSQL would write otherwise."""
    with isolate_apps("tests.zoo"), connection.schema_editor() as editor:

        class Odd(models.Model):
            took = models.DurationField(null=True)
            at = models.TimeField(null=True)
            address = models.GenericIPAddressField(null=True)
            raw = models.BinaryField(null=True)

            class Meta:
                app_label = "zoo"

            def __str__(self) -> str:
                return str(self.took)

        editor.create_model(Odd)
        Odd.objects.create(
            took=timedelta(days=-1, microseconds=5), at="12:30:00.1200", address="::1", raw=b"a"
        )
        Odd.objects.create()
        fields = ("took", "at", "address")
        for shown, way in ((fields, "_Got"), ((*fields, "raw"), "_Serialized")):
            meta = type("Meta", (), {"model": Odd, "fields": shown})
            serializer = type("OddSerializer", (serializers.ModelSerializer,), {"Meta": meta})
            same(view_of(serializer, Odd), Odd.objects.all(), way, way)


@pytest.mark.parametrize("written", [True, False])
def test_fields__asked_for__are_the_only_ones_selected(in_alpha: Any, written: bool) -> None:
    """Columns that nobody asked for are not read."""
    Study.objects.create(code="abc")
    selection = selected(Study, fields=("code",))
    reading = reading_of(view_of(derive_serializer(Study), Study), Study, selection, written=written)
    with CaptureQueriesContext(connection) as sent:
        content = as_array(reading, Study.objects.all(), selection.order)
    assert (content, "title" in sent[0]["sql"]) == (b'[{"code":"abc"}]', False)


def test_fields__of_a_serializer_that_writes_for_itself__are_the_only_ones_selected(in_alpha: Any) -> None:
    """Instances are loaded without the other columns."""
    Study.objects.create(code="abc", title="T")
    selection = selected(Study, fields=("code",))
    reading = reading_of(view_of(Custom, Study), Study, selection)
    with CaptureQueriesContext(connection) as sent:
        content = as_array(reading, Study.objects.all(), selection.order)
    assert (content, len(sent), "title" in sent[0]["sql"]) == (b'[{"code":"ABC"}]', 1, False)
