"""Marks: moments of a namespace to come back to."""

from typing import Any

import pytest

from smartmodels.context import namespace_scope, operation
from smartmodels.exceptions import InvalidInput, MarkExists, MarkUnknown, NamespaceNotBound
from smartmodels.history import all_marks, apply_revert, delete_mark, find_mark, mark, plan_revert_mark
from tests.zoo.models import Animal, Enclosure, Tag


def test_mark__name__is_kept_with_who_and_note(in_alpha: Any, ana: Any) -> None:
    """A mark says what, who and why."""
    made = mark("before import", note="of June")
    assert (made.name, made.note, made.created_by_id) == ("before import", "of June", ana.pk)


def test_mark__same_name__is_refused(in_alpha: Any) -> None:
    """Names are unique."""
    mark("here")
    with pytest.raises(MarkExists):
        mark("here")


def test_mark__same_name_elsewhere__is_another_one(in_alpha: Any, beta: Any) -> None:
    """Each namespace has its own."""
    mark("here")
    with namespace_scope(beta):
        assert mark("here").name == "here"


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\x00b", "a\nb"])
def test_mark__no_name__is_refused(in_alpha: Any, name: str) -> None:
    """A name is printable and not too long."""
    with pytest.raises(InvalidInput):
        mark(name)


@pytest.mark.parametrize("name", ["nowhere", "", "a\x00b"])
def test_find_mark__unknown__is_refused(in_alpha: Any, name: str) -> None:
    """What is not there is said not to be."""
    with pytest.raises(MarkUnknown):
        find_mark(name)


def test_mark__nothing_bound__is_refused(rows: None) -> None:
    """A mark belongs to a namespace."""
    with operation(), pytest.raises(NamespaceNotBound):
        mark("here")


def test_delete_mark__known__is_forgotten(in_alpha: Any) -> None:
    """The name is free again."""
    mark("here")
    delete_mark("here")
    assert not all_marks().exists()


def test_all_marks__several__newest_first(in_alpha: Any) -> None:
    """In the order people look for them."""
    for name in ("one", "two"):
        mark(name)
    assert [each.name for each in all_marks()] == ["two", "one"]


def test_revert_mark__made_changed_deleted_linked__is_as_it_was(in_alpha: Any) -> None:
    """Rows, values, deletions and links of the time of the mark."""
    place = Enclosure.objects.create(name="old")
    animal = Animal.objects.create(name="a", enclosure=place)
    animal.tags.add(tag := Tag.objects.create(label="t"))
    mark("here")
    animal.tags.clear()
    place.name = "new"
    place.save()
    Tag.objects.create(label="later")
    place.delete()
    apply_revert(plan_revert_mark("here"))
    assert Enclosure.objects.get().name == "old"
    assert list(Animal.objects.get().tags.all()) == [tag]
    assert list(Tag.objects.all()) == [tag]


def test_revert_mark__other_namespace__stays(in_alpha: Any, beta: Any) -> None:
    """A mark is of one namespace."""
    mark("here")
    Tag.objects.create(label="a")
    with namespace_scope(beta):
        Tag.objects.create(label="b")
    apply_revert(plan_revert_mark("here"))
    with namespace_scope(beta):
        assert Tag.objects.count() == 1


def test_revert_mark__nothing_since__has_nothing_to_do(in_alpha: Any) -> None:
    """A plan without rows."""
    Tag.objects.create(label="a")
    mark("here")
    assert plan_revert_mark("here").is_noop


def test_revert_mark__reverted__is_as_before(in_alpha: Any) -> None:
    """A revert is one of the things that happened since, so it can be taken back."""
    tag = Tag.objects.create(label="old")
    mark("here")
    Tag.objects.update(label="new")
    apply_revert(plan_revert_mark("here"))
    mark("there")
    Tag.objects.update(label="newer")
    apply_revert(plan_revert_mark("there"))
    tag.refresh_from_db()
    assert tag.label == "old"
