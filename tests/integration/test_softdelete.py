"""H3: deletion is set-based and atomic, restoration its exact inverse."""

import threading
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ActorRequired, RestoreConflict
from smartmodels.ownership import sentinel_id
from tenant_apps.research.models import Observation, Specimen, Study


def make_study() -> Study:
    """A study with two specimens of three observations each."""
    study = Study.objects.create(code="PAL0708", island="Dream")
    for number in (1, 2):
        specimen = Specimen.objects.create(study=study, number=number, individual="N", species="Adelie")
        Observation.objects.bulk_create([Observation(specimen=specimen) for _ in range(3)])
    return study


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """One study, its six observations included, with ana acting in alpha."""
    return make_study()


def living() -> tuple[int, int, int]:
    """How many studies, specimens and observations live."""
    return Study.objects.count(), Specimen.objects.count(), Observation.objects.count()


def test_delete__row_with_children__takes_what_cascades(study: Study) -> None:
    """Three levels go together."""
    study.delete()
    assert living() == (0, 0, 0)


def test_delete__row__belongs_to_the_sentinel(study: Study, ana: Any) -> None:
    """A deleted row is owned by the sentinel and remembers whose it was."""
    study.delete()
    assert (study.owner_id, study.owner_before_deletion_id) == (sentinel_id(), ana.pk)


def test_undelete__row__gives_it_back(study: Study, ana: Any) -> None:
    """The former owner owns the restored row again."""
    study.delete()
    study.undelete()
    assert (study.owner_id, study.owner_before_deletion_id, study.deleted_at) == (ana.pk, None, None)


def test_undelete__row__brings_back_exactly_what_went_with_it(alpha: Any, ana: Any) -> None:
    """A child deleted earlier, by another operation, stays deleted."""
    actor = Actor.user(ana)
    with namespace_scope(alpha):
        with operation(actor=actor):
            study = make_study()
        with operation(actor=actor):
            study.specimens.get(number=1).delete()
        with operation(actor=actor):
            study.delete()
        with operation(actor=actor):
            study.undelete()
        assert (list(study.specimens.values_list("number", flat=True)), living()) == ([2], (1, 1, 3))


def test_undelete__child_of_a_deleted_parent__is_refused(study: Study) -> None:
    """A row cannot live below a dead one."""
    specimen = study.specimens.first()
    study.delete()
    with pytest.raises(RestoreConflict, match="still deleted"):
        specimen.undelete()


def test_undelete__while_another_transaction_deletes_the_parent__is_refused(
    committing: Any, alpha: Any, ana: Any
) -> None:
    """Restoring waits for the parent's fate: no living row is left below a dead one."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        study = make_study()
        study.specimens.get(number=1).delete()
    caught: list[RestoreConflict] = []

    def restore() -> None:
        try:
            with namespace_scope(alpha), operation(actor=Actor.user(ana)):
                Specimen.deleted_objects.get(number=1).undelete()
        except RestoreConflict as error:
            caught.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=restore)
    with namespace_scope(alpha), transaction.atomic(), operation(actor=Actor.user(ana)):
        study.delete()
        thread.start()
        thread.join(timeout=1)  # Time to go wrong: a restore that does not wait is through by now.
    thread.join()
    with namespace_scope(alpha):
        assert (len(caught), living()) == (1, (0, 0, 0))


def test_undelete__when_a_living_row_took_the_value__is_a_conflict(study: Study) -> None:
    """Uniqueness among the living answers 409, and nothing has changed."""
    study.delete()
    Study.objects.create(code="PAL0708", island="Dream")
    with pytest.raises(RestoreConflict, match="unique"):
        study.undelete()
    assert Study.deleted_objects.filter(pk=study.pk).exists()


def test_create__value_held_by_a_deleted_row__is_accepted(study: Study) -> None:
    """A deleted row does not occupy its name."""
    study.delete()
    Study.objects.create(code="PAL0708", island="Dream")
    assert Study.objects.count() == 1


def test_save__deleted_row__does_not_bring_it_back(study: Study) -> None:
    """Only undelete() restores."""
    study.delete()
    study.title = "still deleted"
    study.save()
    assert not Study.objects.filter(pk=study.pk).exists()


def test_delete__deleted_row__changes_nothing(study: Study) -> None:
    """Deleting twice is deleting once."""
    study.delete()
    before = study.history.count()
    assert study.delete() == (0, {})
    assert study.history.count() == before


def test_delete__three_levels__takes_few_queries(study: Study) -> None:
    """The number of queries does not depend on the number of rows."""
    with CaptureQueriesContext(connection) as few:
        study.delete()
    study.undelete()
    specimens = [Specimen(study=study, number=n, individual="N", species="Gentoo") for n in range(30)]
    Specimen.objects.bulk_create(specimens)
    Observation.objects.bulk_create([Observation(specimen=s) for s in specimens for _ in range(9)])
    with CaptureQueriesContext(connection) as many:
        study.delete()
    assert len(many) == len(few)


def test_write__outside_of_any_operation__is_refused(study: Study, alpha: Any) -> None:
    """A write without an actor says how to name one."""
    caught: list[BaseException] = []

    def write() -> None:
        with namespace_scope(alpha):
            try:
                Study(code="X").save()
            except ActorRequired as error:
                caught.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert "operation(actor=" in str(caught[0])
