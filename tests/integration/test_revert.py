"""H4: a revert is planned, checked and applied as an operation of its own."""

from typing import Any

import pytest

from smartmodels.exceptions import RevertConflict, RowNotFound
from smartmodels.history import apply_revert, diff, plan_revert, timeline, with_changes
from tenant_apps.research.models import Observation, Specimen, Study


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study with three versions."""
    study = Study.objects.create(code="A", title="first", island="Dream")
    study.title = "second"
    study.save()
    study.title, study.island = "third", "Biscoe"
    study.save()
    return study


def versions(row: Any) -> list[Any]:
    """The versions of a row, newest first."""
    return list(timeline(type(row), row.pk))


def test_plan_revert__earlier_version__lists_fields_from_and_to(study: Study) -> None:
    """The preview says what would change, and nothing has changed."""
    plan = plan_revert(study, versions(study)[-1])
    assert [(c.field, c.old, c.new) for c in plan.changes] == [
        ("title", "third", "first"),
        ("island", "Biscoe", "Dream"),
    ]
    assert Study.objects.get(pk=study.pk).title == "third"


def test_apply_revert__plan__writes_the_version_as_a_new_one(study: Study) -> None:
    """The row is as it was, and history says how it came there."""
    first = versions(study)[-1]
    apply_revert(plan_revert(study, first), reason="typo")
    newest = versions(study)[0]
    assert (newest.title, newest.action, newest.reverted_from, newest.history_change_reason) == (
        "first", "revert", first.history_id, "typo",
    )  # fmt: skip


def test_apply_revert__revert__can_be_reverted(study: Study) -> None:
    """Undo of undo is where we began."""
    before = versions(study)[0]
    apply_revert(plan_revert(study, versions(study)[-1]))
    apply_revert(plan_revert(study, before))
    study.refresh_from_db()
    assert (study.title, study.island) == ("third", "Biscoe")


def test_apply_revert__row_changed_since_the_plan__is_refused(study: Study) -> None:
    """Nobody's change is overwritten unseen."""
    plan = plan_revert(study, versions(study)[-1])
    Study.objects.filter(pk=study.pk).update(title="meanwhile")
    with pytest.raises(RevertConflict, match="changed since"):
        apply_revert(plan)
    assert Study.objects.get(pk=study.pk).title == "meanwhile"


def test_plan_revert__current_version__is_a_noop(study: Study) -> None:
    """Reverting to what is there changes nothing."""
    assert plan_revert(study, versions(study)[0]).is_noop


def test_apply_revert__keeps_owner_and_author(study: Study, ben: Any) -> None:
    """The smart fields are nobody's to revert."""
    first = versions(study)[-1]
    Study.objects.filter(pk=study.pk).update(owner_id=ben.pk)
    apply_revert(plan_revert(study, first))
    study.refresh_from_db()
    assert study.owner_id == ben.pk


def test_plan_revert__deleted_row__would_restore_it(study: Study) -> None:
    """A deleted row comes back by reverting to a version from its life."""
    first = versions(study)[-1]
    study.delete()
    plan = plan_revert(study, first)
    assert plan.restores
    apply_revert(plan)
    assert Study.objects.get(pk=study.pk).title == "first"


def test_plan_revert__value_taken_by_another_row__is_a_conflict(study: Study) -> None:
    """The plan names what stands in the way."""
    Study.objects.create(code="A", island="Dream")
    plan = plan_revert(study, versions(study)[-1])
    assert [conflict.code for conflict in plan.conflicts] == ["unique-taken"]
    with pytest.raises(RevertConflict):
        apply_revert(plan)


def test_plan_revert__target_deleted_meanwhile__is_a_conflict(study: Study) -> None:
    """A foreign key cannot go back to a row that is deleted."""
    other = Study.objects.create(code="B")
    specimen = Specimen.objects.create(study=other, number=1, individual="N", species="Adelie")
    specimen.study = study
    specimen.save()
    other.delete()
    plan = plan_revert(specimen, versions(specimen)[-1])
    assert [(conflict.field, conflict.code) for conflict in plan.conflicts] == [("study", "target-gone")]


@pytest.mark.parametrize("version", ["x", None, "", -1, 10**30, "1; DROP TABLE x", 2.5])
def test_plan_revert__no_such_version__is_not_found(study: Study, version: Any) -> None:
    """Hostile version numbers find nothing."""
    with pytest.raises(RowNotFound):
        plan_revert(study, version)


def test_plan_revert__version_of_another_row__is_not_found(study: Study) -> None:
    """A version number counts for its own row only."""
    other = Study.objects.create(code="B")
    with pytest.raises(RowNotFound):
        plan_revert(study, versions(other)[0])


def test_apply_revert__decimal_date_and_null__come_back_exactly(study: Study) -> None:
    """Values keep their type and precision."""
    specimen = Specimen.objects.create(study=study, number=1, individual="N", species="Adelie")
    row = Observation.objects.create(specimen=specimen, culmen_length_mm="39.1", observed_on="2007-11-11")
    row.refresh_from_db()
    before = {f.attname: getattr(row, f.attname) for f in row._meta.fields if f.editable}
    row.culmen_length_mm, row.observed_on, row.body_mass_g = None, None, 1
    row.save()
    apply_revert(plan_revert(row, versions(row)[-1]))
    row.refresh_from_db()
    assert {f.attname: getattr(row, f.attname) for f in row._meta.fields if f.editable} == before


def test_diff__two_versions__names_what_changed_between_them(study: Study) -> None:
    """A diff compares any two versions."""
    newest, _, first = versions(study)
    assert [change.field for change in diff(newest, first)] == ["title", "island"]


def test_with_changes__timeline__pairs_versions_with_their_changes(study: Study) -> None:
    """A timeline shows per version what it changed."""
    changed = [[change.field for change in changes] for _, changes in with_changes(versions(study))]
    assert changed == [["title", "island"], ["title"], []]
