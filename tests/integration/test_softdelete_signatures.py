"""Django's own signatures: save, delete and their async forms, with positional arguments."""

import warnings
from typing import Any

import django
import pytest
from asgiref.sync import async_to_sync
from django.core import serializers

from tenant_apps.research.models import Study

TAKES_POSITIONS = django.VERSION < (6, 0)


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """One study, with ana acting in alpha."""
    return Study.objects.create(code="PAL0708", island="Dream", title="first")


def test_save__copy_from_before_the_deletion__does_not_bring_the_row_back(study: Study) -> None:
    """A row read by somebody else before it was deleted still says that it lives; saving it does not."""
    stale = Study.objects.get(pk=study.pk)
    study.delete()
    stale.title = "changed"
    stale.save()
    study.refresh_from_db()
    assert (study.is_deleted, study.deleted_in is None, study.title) == (True, False, "changed")


def test_save__copy_from_before_the_deletion__keeps_who_gets_the_row_back(study: Study, ana: Any) -> None:
    """What a restoration needs is not overwritten either."""
    stale = Study.objects.get(pk=study.pk)
    study.delete()
    stale.save()
    study.undelete()
    assert study.owner_id == ana.pk


def test_save__update_fields_that_name_the_deletion__does_not_bring_the_row_back(study: Study) -> None:
    """Nor does naming the column help."""
    study.delete()
    study.deleted_at = None
    study.save(update_fields=["deleted_at", "title"])
    assert Study.all_objects.get(pk=study.pk).is_deleted


def test_save__fixture__writes_a_deletion_as_it_is(study: Study) -> None:
    """What loaddata does: it keeps deleted rows deleted."""
    study.delete()
    text = serializers.serialize("json", Study.all_objects.all())
    Study.all_objects.update(deleted_at=None)
    for each in serializers.deserialize("json", text):
        each.save()
    assert Study.all_objects.get(pk=study.pk).is_deleted


@pytest.mark.skipif(not TAKES_POSITIONS, reason="Django 6.1 takes no positional arguments")
def test_save__positional_arguments__are_those_of_django(study: Study) -> None:
    """The fields to update may come fourth, with Django's own warning, and the stamps come along."""
    before = study.updated_at
    study.title, study.island = "second", "not to be saved"
    with pytest.warns(DeprecationWarning, match="positional"):
        study.save(False, False, None, ["title"])
    study.refresh_from_db()
    assert (study.title, study.island, study.updated_at > before) == ("second", "Dream", True)


@pytest.mark.skipif(TAKES_POSITIONS, reason="Django 5.2 takes positional arguments")
def test_save__positional_arguments__are_refused_as_by_django(study: Study) -> None:
    """Django 6.1 takes names only."""
    with pytest.raises(TypeError):
        study.save(False, False)


def test_save__no_fields_to_update__saves_nothing(study: Study) -> None:
    """As in Django, an empty list is nothing to save."""
    before = study.history.count()
    study.save(update_fields=[])
    assert study.history.count() == before


def test_save__by_name__warns_of_nothing(study: Study) -> None:
    """Names give no warning in any version."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study.save(force_insert=False, force_update=True, using=None, update_fields=["title"])


def test_asave__row__is_saved(study: Study) -> None:
    """The async form is the same."""
    study.title = "async"
    async_to_sync(study.asave)(update_fields=["title"])
    assert Study.objects.get(pk=study.pk).title == "async"


def test_adelete__row__is_deleted_and_restored(study: Study) -> None:
    """adelete() and aundelete() of a row."""
    counts = async_to_sync(study.adelete)(), async_to_sync(study.aundelete)()
    assert counts == ((1, {"research.Study": 1}),) * 2


def test_adelete__queryset__is_deleted_and_restored(study: Study) -> None:
    """adelete() and aundelete() of a queryset."""
    async_to_sync(Study.objects.all().adelete)()
    gone = Study.objects.count()
    async_to_sync(Study.deleted_objects.all().aundelete)()
    assert (gone, Study.objects.count()) == (0, 1)


def test_delete__django_s_arguments__are_taken(study: Study) -> None:
    """By position and by name."""
    assert study.delete("default", False) == (1, {"research.Study": 1})
    study.undelete(using="default")
    assert study.delete(using="default", keep_parents=True)[0] == 1


def test_delete__twice__writes_no_version(study: Study) -> None:
    """Also from a copy that does not know."""
    stale = Study.objects.get(pk=study.pk)
    study.delete()
    before = study.history.count()
    assert (stale.delete(), stale.is_deleted, study.history.count()) == ((0, {}), True, before)


def test_undelete__living_row__changes_nothing(study: Study) -> None:
    """There is nothing to restore."""
    before = study.history.count()
    assert (study.undelete(), study.history.count()) == ((0, {}), before)


def test_delete__row_that_was_never_saved__changes_nothing(in_alpha: Any) -> None:
    """It has a key already, and no row."""
    assert Study(code="X").delete() == (0, {})


def test_delete__row_that_was_purged__changes_nothing(study: Study) -> None:
    """There is nothing to mark, and nothing to read again."""
    stale = Study.objects.get(pk=study.pk)
    study.purge()
    assert stale.delete() == (0, {})


@pytest.mark.parametrize("part", [lambda rows: rows[:1], lambda rows: rows.values("pk")])
def test_delete__part_of_a_queryset__is_refused(study: Study, part: Any) -> None:
    """As in Django: delete() is about whole rows of whole querysets."""
    with pytest.raises(TypeError, match="delete"):
        part(Study.objects.all()).delete()


def test_update_or_create__deleted_row_matches__makes_a_new_one(study: Study) -> None:
    """Neither the sync nor the async form revives."""
    study.delete()
    _, first = Study.objects.update_or_create(code="PAL0708", island="Dream")
    _, second = async_to_sync(Study.objects.all().aupdate_or_create)(code="PAL0708", island="Dream")
    assert (first, second, Study.deleted_objects.count()) == (True, False, 1)
