"""Field data is loaded once, whole, with its history; loading it again changes nothing."""

import csv
import threading
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ActorRequired, NamespaceNotBound
from tenant_apps.research.models import Observation, Specimen, Study
from tenant_apps.research.services import (
    FieldDataConflict,
    FieldRecord,
    load_field_data,
    read_field_data,
)

FIELD_DATA = Path(__file__).resolve().parents[2] / "tenant_apps" / "research" / "data" / "penguins_raw.csv"
RECORDS = read_field_data(FIELD_DATA)
MODELS = (Study, Specimen, Observation)


def of_island(name: str) -> list[FieldRecord]:
    """The records of one island."""
    return [record for record in RECORDS if record.study["island"] == name]


def as_cell(value: Any) -> str:
    """A value as the file writes it."""
    if value is None or value == "":
        return "NA"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value)


def as_line(row: Observation) -> dict[str, str]:
    """A loaded observation as a line of the file."""
    specimen, study = row.specimen, row.specimen.study
    values = {
        "studyName": study.code, "Sample Number": specimen.number, "Species": specimen.species,
        "Region": study.region, "Island": study.island, "Stage": specimen.stage,
        "Individual ID": specimen.individual, "Clutch Completion": specimen.clutch_complete,
        "Date Egg": specimen.egg_date, "Culmen Length (mm)": row.culmen_length_mm,
        "Culmen Depth (mm)": row.culmen_depth_mm, "Flipper Length (mm)": row.flipper_length_mm,
        "Body Mass (g)": row.body_mass_g, "Sex": specimen.sex.upper(),
        "Delta 15 N (o/oo)": row.delta_15_n, "Delta 13 C (o/oo)": row.delta_13_c, "Comments": row.comments,
    }  # fmt: skip
    return {column: as_cell(value) for column, value in values.items()}


def comparable(line: dict[str, str]) -> tuple[Any, ...]:
    """A line with its numbers as numbers, rounded as the program that wrote the file meant them."""

    def value(cell: str) -> Any:
        try:
            return round(Decimal(cell), 5)
        except ArithmeticError:
            return cell

    return tuple(sorted((column, value(cell)) for column, cell in line.items()))


def test_load_field_data__whole_file__round_trips_every_value(in_alpha: Any) -> None:
    """What is in the tables says exactly what the file says."""
    load_field_data(RECORDS)
    loaded = Observation.objects.select_related("specimen__study")
    with FIELD_DATA.open(newline="") as file:
        wanted = Counter(comparable(line) for line in csv.DictReader(file))
    assert Counter(comparable(as_line(row)) for row in loaded) == wanted


@pytest.mark.parametrize(("island", "count"), [("Torgersen", 52), ("Biscoe", 168), ("Dream", 124)])
def test_load_field_data__one_island__creates_its_rows(in_alpha: Any, island: str, count: int) -> None:
    """Three seasons, and as many specimens as observations."""
    report = load_field_data(of_island(island))
    assert report.created == {"studies": 3, "specimens": count, "observations": count}
    assert [model.objects.count() for model in MODELS] == [3, count, count]


def test_load_field_data__every_row__has_one_version_in_history(in_alpha: Any) -> None:
    """H1: history is complete whatever writes."""
    load_field_data(of_island("Torgersen"))
    for model in MODELS:
        keys = set(model.objects.values_list("pk", flat=True))
        versions = list(model.history.values_list("id", "history_type"))
        assert sorted(versions) == sorted((key, "+") for key in keys)


def test_load_field_data__whoever_loads__owns_the_rows(in_alpha: Any, ana: Any) -> None:
    """Owner and author are the actor's user."""
    load_field_data(of_island("Torgersen"))
    for model in MODELS:
        assert set(model.objects.values_list("owner_id", "created_by_id")) == {(ana.pk, ana.pk)}


def test_load_field_data__second_time__changes_nothing(in_alpha: Any) -> None:
    """No row, no version, no write."""
    load_field_data(RECORDS)
    before = [list(model.history.values_list("history_id", flat=True)) for model in MODELS]
    with CaptureQueriesContext(connection) as queries:
        report = load_field_data(RECORDS)
    assert not report.changed
    assert [list(model.history.values_list("history_id", flat=True)) for model in MODELS] == before
    assert not [query for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]


def test_load_field_data__whole_file__takes_few_queries(
    in_alpha: Any, django_assert_max_num_queries: Any
) -> None:
    """A load asks once per table and writes in batches."""
    with django_assert_max_num_queries(11):
        load_field_data(RECORDS)


def test_load_field_data__row_edited_since__stays_as_edited(in_alpha: Any) -> None:
    """A load adds; it does not overwrite what people corrected."""
    load_field_data(of_island("Torgersen"))
    Observation.objects.update(body_mass_g=1)
    load_field_data(of_island("Torgersen"))
    assert set(Observation.objects.values_list("body_mass_g", flat=True)) == {1}


@pytest.mark.parametrize("model", MODELS)
def test_load_field_data__row_deleted_since__stays_deleted(in_alpha: Any, model: Any) -> None:
    """A load does not bring back what people deleted."""
    load_field_data(of_island("Torgersen"))
    model.objects.order_by("pk").first().delete()
    report = load_field_data(of_island("Torgersen"))
    assert not report.changed


def test_load_field_data__rest_of_a_deleted_study__is_left_out(in_alpha: Any) -> None:
    """Nothing is hung below a study that people deleted."""
    first, *rest = [record for record in of_island("Torgersen") if record.study["code"] == "PAL0708"]
    load_field_data([first])
    Study.objects.get().delete()
    report = load_field_data([first, *rest])
    assert (report.changed, report.left_out["specimens"]) == (False, len(rest))


def test_load_field_data__observation_purged_from_a_deleted_specimen__is_left_out(in_alpha: Any) -> None:
    """Nor below a specimen."""
    load_field_data(of_island("Torgersen"))
    specimen = Specimen.objects.order_by("pk").first()
    assert specimen
    specimen.observations.get().purge()
    specimen.delete()
    report = load_field_data(of_island("Torgersen"))
    assert (report.changed, report.left_out["observations"]) == (False, 1)


def test_load_field_data__row_purged_since__is_loaded_again(in_alpha: Any) -> None:
    """What is not there at all is missing."""
    load_field_data(of_island("Torgersen"))
    Observation.objects.order_by("pk").first().purge()
    assert load_field_data(of_island("Torgersen")).created["observations"] == 1


def test_load_field_data__in_one_namespace__leaves_the_other_empty(in_alpha: Any, beta: Any) -> None:
    """T3: the bound namespace and no other."""
    load_field_data(RECORDS)
    with namespace_scope(beta):
        assert Observation.all_objects.count() == 0


def test_load_field_data__progress__grows_to_the_total(in_alpha: Any) -> None:
    """A bar that is drawn from it ends full."""
    seen: list[tuple[int, int]] = []
    load_field_data(RECORDS, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (697, 697)


def test_load_field_data__no_rows__does_nothing(in_alpha: Any) -> None:
    """An empty list is no error."""
    assert not load_field_data([]).changed


def test_load_field_data__failure_half_way__loads_nothing(in_alpha: Any) -> None:
    """All or nothing: a row the database refuses takes the others with it."""
    broken = [*of_island("Torgersen"), of_island("Torgersen")[0]]
    with pytest.raises(FieldDataConflict):
        load_field_data(broken)
    assert [model.all_objects.count() for model in MODELS] == [0, 0, 0]


def test_load_field_data__no_namespace_bound__is_refused(db: None) -> None:
    """T3: unbound means closed."""
    with operation(), pytest.raises(NamespaceNotBound):
        load_field_data(RECORDS)


def test_load_field_data__nobody_acts__is_refused(alpha: Any) -> None:
    """A write has an actor."""
    with namespace_scope(alpha), pytest.raises(ActorRequired):
        load_field_data(RECORDS)


def test_load_field_data__four_at_once__load_every_row_once(committing: Any, alpha: Any, ana: Any) -> None:
    """Whoever loses the race is told so and nothing is doubled."""
    outcomes: list[str] = []

    def load() -> None:
        try:
            with namespace_scope(alpha), operation(actor=Actor.user(ana)):
                outcomes.append("loaded" if load_field_data(RECORDS).changed else "there")
        except FieldDataConflict:
            outcomes.append("conflict")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with namespace_scope(alpha):
        assert outcomes.count("loaded") == 1
        assert [model.all_objects.count() for model in MODELS] == [9, 344, 344]
