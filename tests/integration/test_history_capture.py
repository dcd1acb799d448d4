"""H1: whatever writes, the newest history row of every row equals the live row."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from smartmodels.context import Actor, operation
from smartmodels.history import history_model
from tenant_apps.research.models import Observation, Specimen, Study

pytestmark = pytest.mark.usefixtures("in_alpha")


def newest(model: Any) -> dict[Any, Any]:
    """The newest history row of each row of the model."""
    rows = history_model(model).objects.order_by("id", "-history_date", "-history_id").distinct("id")
    return {row.id: row for row in rows}


def assert_history_tells_the_truth(model: Any) -> None:
    """Compare every tracked column of every row with its newest version."""
    recorded = newest(model)
    columns = [field.attname for field in history_model(model).tracked_fields]
    live = {row.pk: row for row in model.all_objects.all()}
    gone = {key for key, row in recorded.items() if row.history_type == "-" and row.deleted_at is None}
    assert set(recorded) - gone == set(live)
    for key, row in live.items():
        assert {c: getattr(row, c) for c in columns} == {c: getattr(recorded[key], c) for c in columns}


def observations(count: int = 3) -> list[Observation]:
    study = Study.objects.create(code="PAL0708", island="Dream")
    specimen = Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    return [Observation.objects.create(specimen=specimen, body_mass_g=3000 + n) for n in range(count)]


def save(rows: list[Observation]) -> None:
    rows[0].body_mass_g = 1
    rows[0].save()


def save_some_fields(rows: list[Observation]) -> None:
    rows[0].body_mass_g, rows[0].comments = 2, "not saved"
    rows[0].save(update_fields=["body_mass_g"])


def save_expression(rows: list[Observation]) -> None:
    rows[0].body_mass_g = F("body_mass_g") + 1
    rows[0].save()


def bulk_create(rows: list[Observation]) -> None:
    Observation.objects.bulk_create([Observation(specimen_id=rows[0].specimen_id) for _ in range(5)])


def bulk_update(rows: list[Observation]) -> None:
    for row in rows:
        row.comments = "bulk"
    Observation.objects.bulk_update(rows, ["comments"])


def queryset_update(rows: list[Observation]) -> None:
    Observation.objects.filter(body_mass_g__gte=3001).update(body_mass_g=F("body_mass_g") * 2)


def update_or_create(rows: list[Observation]) -> None:
    Observation.objects.update_or_create(pk=rows[0].pk, defaults={"comments": "upsert"})


def related_manager(rows: list[Observation]) -> None:
    rows[0].specimen.observations.create(body_mass_g=9)


def upsert(rows: list[Observation]) -> None:
    rows[0].comments = "conflict"
    Observation.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=["comments"]
    )


def soft_delete(rows: list[Observation]) -> None:
    rows[0].delete()


def soft_delete_queryset(rows: list[Observation]) -> None:
    Observation.objects.filter(body_mass_g__gte=3001).delete()


def cascade(rows: list[Observation]) -> None:
    rows[0].specimen.study.delete()


def restore(rows: list[Observation]) -> None:
    study = rows[0].specimen.study
    study.delete()
    study.undelete()


def purge(rows: list[Observation]) -> None:
    rows[0].purge()


def raw_sql(rows: list[Observation]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE research_observation SET body_mass_g = 7 WHERE id = %s", [rows[0].pk])


def copy(rows: list[Observation]) -> None:
    columns = "id, owner_id, created_at, created_by_id, updated_at, updated_by_id, specimen_id, comments"
    row = rows[0]
    user, time = row.owner_id, row.created_at.isoformat()
    line = (
        f"01900000-0000-7000-8000-000000000000\t{user}\t{time}\t{user}\t{time}\t{user}\t{row.specimen_id}\t\n"
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY research_observation ({columns}) FROM STDIN") as into,
    ):
        into.write(line)


def from_another_schema(rows: list[Observation]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        schema = cursor.fetchone()[0]
        cursor.execute("SET LOCAL search_path TO public")
        cursor.execute(f'UPDATE "{schema}".research_observation SET body_mass_g = 8')  # noqa: S608
        cursor.execute(f'SET LOCAL search_path TO "{schema}", public')


WRITE_PATHS = [
    save, save_some_fields, save_expression, bulk_create, bulk_update, queryset_update, update_or_create,
    related_manager, upsert, soft_delete, soft_delete_queryset, cascade, restore, purge, raw_sql, copy,
    from_another_schema,
]  # fmt: skip


@pytest.mark.parametrize("write", WRITE_PATHS, ids=lambda write: write.__name__)
def test_history__after_any_write__equals_the_live_rows(write: Callable[[list[Observation]], None]) -> None:
    """Every way to write leaves one true history row per changed row."""
    rows = observations()
    before = history_model(Observation).objects.count()
    write(rows)
    assert history_model(Observation).objects.count() > before
    for model in (Study, Specimen, Observation):
        assert_history_tells_the_truth(model)


def test_history__update_that_changes_nothing__writes_no_row() -> None:
    """A statement that leaves a row as it was is not a change."""
    row = observations(1)[0]
    before = history_model(Observation).objects.count()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE research_observation SET body_mass_g = body_mass_g")
    assert history_model(Observation).objects.count() == before
    assert row.history.count() == 1


def test_history__deletion_and_restoration__are_minus_and_plus() -> None:
    """H2: a soft delete is '-' and a restore '+'."""
    row = observations(1)[0]
    row.delete()
    row.undelete()
    kinds = list(row.history.order_by("history_id").values_list("history_type", "action"))
    assert kinds == [("+", "create"), ("-", "soft_delete"), ("+", "restore")]


def test_as_of__while_the_row_was_deleted__does_not_show_it() -> None:
    """H2: the past shows a row exactly while it lived."""
    row = observations(1)[0]
    created = row.history.latest().history_date
    row.delete()
    deleted = row.history.latest().history_date
    row.undelete()
    restored = row.history.latest().history_date
    past: Any = Observation.history  # type: ignore[attr-defined]
    lives = [past.as_of(moment).filter(pk=row.pk).exists() for moment in (created, deleted, restored)]
    assert lives == [True, False, True]


def test_history__rows_of_one_operation__carry_its_id_actor_and_reason(ana: Any) -> None:
    """What one operation changed can be found together."""
    with operation(actor=Actor.user(ana), reason="100% sure; it's \\ fine") as opened:
        observations(2)
    versions = [v for model in (Study, Specimen, Observation) for v in history_model(model).objects.all()]
    assert {
        (v.operation_id, v.actor_label, v.history_user_id, v.history_change_reason) for v in versions
    } == {(opened.id, ana.email, ana.pk, "100% sure; it's \\ fine")}


def test_history__hostile_reason__is_stored_as_text(ana: Any) -> None:
    """NUL bytes, lone surrogates and quotes in a reason neither fail nor escape."""
    with operation(actor=Actor.user(ana), reason="a\x00b\ud800c'); DROP TABLE research_study; --"):
        row = observations(1)[0]
    assert row.history.latest().history_change_reason == "ab?c'); DROP TABLE research_study; --"


def test_history__rolled_back_write__leaves_no_row() -> None:
    """History is written in the transaction of what it records."""
    row = observations(1)[0]
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before_write")
        cursor.execute("UPDATE research_observation SET body_mass_g = 1")
        cursor.execute("ROLLBACK TO SAVEPOINT before_write")
    assert row.history.count() == 1
