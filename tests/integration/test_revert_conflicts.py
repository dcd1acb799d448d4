"""What speaks against a revert, and what becomes of it: skip, force, merge."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from smartmodels.context import Actor, operation
from smartmodels.exceptions import InvalidInput, OperationUnknown, RevertConflict
from smartmodels.history import (
    apply_revert,
    plan_revert,
    plan_revert_operation,
    plan_revert_user,
    resolve,
    timeline,
)
from smartmodels.history.ledger import ledger_model
from tests.zoo.models import Animal, Enclosure, Feed, Feeding, Keeper, Permit, Tag

pytestmark = pytest.mark.usefixtures("in_alpha")


@contextmanager
def done() -> Iterator[Any]:
    """An operation of its own."""
    with operation(nested=False) as opened:
        yield opened


def codes(plan: Any) -> list[str]:
    return [conflict.code for conflict in plan.conflicts]


@pytest.fixture
def keeper() -> Keeper:
    with done():
        return Keeper.objects.create(name="kim", email="kim@example.org", pin="1234")


@pytest.fixture
def place(keeper: Keeper) -> Enclosure:
    with done():
        return Enclosure.objects.create(name="old", keeper=keeper)


# Changed since


@pytest.fixture
def disputed(place: Enclosure) -> Any:
    """An operation that changed two fields, one of which somebody else changed since."""
    with done() as opened:
        Enclosure.objects.filter(pk=place.pk).update(name="new", keeper=None)
    with done():
        Enclosure.objects.filter(pk=place.pk).update(name="better")
    return opened.id


def now(place: Enclosure) -> tuple[str, Any]:
    row = Enclosure.all_objects.get(pk=place.pk)
    return row.name, row.keeper_id


def test_plan__field_changed_since__is_a_conflict_of_that_field(disputed: Any) -> None:
    """Fields are compared one by one."""
    plan = plan_revert_operation(disputed)
    assert [(conflict.field, conflict.code) for conflict in plan.conflicts] == [("name", "changed-since")]


def test_apply__conflict_and_no_strategy__changes_nothing(place: Enclosure, disputed: Any) -> None:
    """Nothing is half done."""
    with pytest.raises(RevertConflict) as caught:
        apply_revert(plan_revert_operation(disputed))
    assert (now(place), len(caught.value.details["conflicts"])) == (("better", None), 1)


def test_merge__field_changed_since__keeps_it_and_writes_the_others(
    place: Enclosure, keeper: Keeper, disputed: Any
) -> None:
    """What is not in dispute goes back."""
    apply_revert(plan_revert_operation(disputed), strategy="merge")
    assert now(place) == ("better", keeper.pk)


def test_force__field_changed_since__writes_over_it(place: Enclosure, keeper: Keeper, disputed: Any) -> None:
    """The operation is undone completely."""
    apply_revert(plan_revert_operation(disputed), strategy="force")
    assert now(place) == ("old", keeper.pk)


def test_skip__field_changed_since__leaves_the_row_out(place: Enclosure, disputed: Any) -> None:
    """The row is listed as left out."""
    plan = resolve(plan_revert_operation(disputed), "skip")
    assert (plan.rows, [row.pk for row in plan.left]) == ((), [place.pk])


def test_plan__somebody_did_the_same__has_nothing_to_do(place: Enclosure) -> None:
    """A field that is already as it was is no conflict."""
    with done() as opened:
        Enclosure.objects.filter(pk=place.pk).update(name="new")
    with done():
        Enclosure.objects.filter(pk=place.pk).update(name="old")
    assert plan_revert_operation(opened.id).is_noop


def test_resolve__unknown_strategy__is_refused(disputed: Any) -> None:
    """Three words are known."""
    with pytest.raises(InvalidInput):
        resolve(plan_revert_operation(disputed), "hope")  # type: ignore[arg-type]


def test_plan__unknown_operation__is_refused() -> None:
    """An id that changed nothing here."""
    with pytest.raises(OperationUnknown):
        plan_revert_operation("00000000-0000-7000-8000-00000000ffff")


# Of one user among others


def test_plan_user__others_wrote_in_between__their_work_stays(place: Enclosure, ana: Any, ben: Any) -> None:
    """What is undone is what that user did last to a field, not what others did before."""
    with operation(actor=Actor.user(ben), nested=False) as first:
        Enclosure.objects.filter(pk=place.pk).update(name="ben 1")
    with operation(actor=Actor.user(ana), nested=False):
        Enclosure.objects.filter(pk=place.pk).update(name="ana")
    with operation(actor=Actor.user(ben), nested=False):
        Enclosure.objects.filter(pk=place.pk).update(name="ben 2")
    begun = Enclosure.history.filter(operation_id=first.id).get().history_date
    apply_revert(plan_revert_user(ben.pk, begun))
    assert now(place)[0] == "ana"


def test_plan_user__others_changed_it_later__is_theirs(place: Enclosure, ana: Any, ben: Any) -> None:
    """A field that somebody else had the last word on is not the user's any more."""
    with operation(actor=Actor.user(ben), nested=False) as first:
        Enclosure.objects.filter(pk=place.pk).update(name="ben", keeper=None)
    with operation(actor=Actor.user(ana), nested=False):
        Enclosure.objects.filter(pk=place.pk).update(name="ana")
    with operation(actor=Actor.user(ben), nested=False):
        Enclosure.objects.filter(pk=place.pk).update(keeper=None, within=place.pk)
    begun = Enclosure.history.filter(operation_id=first.id).get().history_date
    plan = plan_revert_user(ben.pk, begun)
    assert sorted(change.field for change in plan.changes) == ["keeper", "within"]


def test_plan_user__end_before_beginning__is_refused(ana: Any, place: Enclosure) -> None:
    """A time that is none."""
    at = timeline(Enclosure, place.pk)[0].history_date
    with pytest.raises(InvalidInput):
        plan_revert_user(ana.pk, at, at)


# Rows that were made, and what hangs on them


def test_plan__made_row_got_children_since__is_a_conflict(keeper: Keeper) -> None:
    """What others hung on it would go, too."""
    with done() as opened:
        place = Enclosure.objects.create(name="e")
    with done():
        Animal.objects.create(name="a", enclosure=place)
    assert codes(plan_revert_operation(opened.id)) == ["children-since"]


def test_force__made_row_got_children_since__deletes_them_along() -> None:
    """They are part of the plan, grandchildren included."""
    with done() as opened:
        place = Enclosure.objects.create(name="e")
    with done():
        animal = Animal.objects.create(name="a", enclosure=place)
        Feeding.objects.create(animal=animal, feed=Feed.objects.create(name="f"))
    outcome = apply_revert(plan_revert_operation(opened.id), strategy="force")
    assert outcome.plan.counts == {"delete": 3}
    assert not Feeding.objects.exists()


def test_force__deleted_along__comes_back_with_the_revert_of_the_revert() -> None:
    """Undo of undo knows them all."""
    with done() as opened:
        place = Enclosure.objects.create(name="e")
    with done():
        Animal.objects.create(name="a", enclosure=place)
    undone = apply_revert(plan_revert_operation(opened.id), strategy="force")
    apply_revert(plan_revert_operation(undone.operation_id))
    assert (Enclosure.objects.count(), Animal.objects.count()) == (1, 1)


def test_force__protected_since__is_refused_still() -> None:
    """Nothing writes over what protects a row."""
    with done() as opened:
        feed = Feed.objects.create(name="f")
    with done():
        animal = Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="e"))
        Feeding.objects.create(animal=animal, feed=feed)
    plan = resolve(plan_revert_operation(opened.id), "force")
    assert codes(plan) == ["protected"]


def test_plan__made_row_was_changed_since__is_a_conflict() -> None:
    """Deleting it would lose what others wrote."""
    with done() as opened:
        feed = Feed.objects.create(name="f")
    with done():
        Feed.objects.filter(pk=feed.pk).update(name="g")
    assert codes(plan_revert_operation(opened.id)) == ["changed-since"]


def test_plan__everything_made_together__has_no_conflict() -> None:
    """Parents and children of one operation go together."""
    with done() as opened:
        animal = Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="e"))
        Feeding.objects.create(animal=animal, feed=Feed.objects.create(name="f"))
    apply_revert(plan_revert_operation(opened.id))
    assert (Animal.objects.count(), Feed.objects.count()) == (0, 0)


# What a row points at


def test_plan__target_deleted_since__is_a_conflict(place: Enclosure, keeper: Keeper) -> None:
    """A foreign key cannot go back to what is deleted."""
    with done() as opened:
        Enclosure.objects.filter(pk=place.pk).update(keeper=None, name="new")
    with done():
        keeper.delete()
    plan = plan_revert_operation(opened.id)
    assert [(conflict.field, conflict.code) for conflict in plan.conflicts] == [("keeper", "target-gone")]


def test_merge__target_deleted_since__writes_the_rest(place: Enclosure, keeper: Keeper) -> None:
    """The foreign key keeps its value."""
    with done() as opened:
        Enclosure.objects.filter(pk=place.pk).update(keeper=None, name="new")
    with done():
        keeper.delete()
    apply_revert(plan_revert_operation(opened.id), strategy="merge")
    assert now(place) == ("old", None)


def test_plan__target_comes_back_with_the_plan__is_no_conflict(place: Enclosure, keeper: Keeper) -> None:
    """What one deletion took and cut is restored and tied in one revert."""
    with done() as opened:
        keeper.delete()
    apply_revert(plan_revert_operation(opened.id))
    assert (now(place), Keeper.objects.count()) == (("old", keeper.pk), 1)


def test_skip__parent_left_out__leaves_its_children_out(place: Enclosure, keeper: Keeper) -> None:
    """What one row gives up, another may have needed."""
    with done():
        permit = Permit.objects.create(enclosure=place, keeper=keeper)
    with done() as opened:
        permit.purge()
        Enclosure.objects.update(keeper=None)
        Keeper.objects.get().purge()
    # The keeper cannot come back as it was, so neither can what points at it.
    plan = resolve(plan_revert_operation(opened.id), "skip")
    assert (plan.rows, len(plan.left)) == ((), 3)


# Values that must be unique


def test_plan__value_taken_since__is_a_conflict() -> None:
    """Two living tags never have one label."""
    with done():
        tag = Tag.objects.create(label="a")
    with done() as opened:
        Tag.objects.filter(pk=tag.pk).update(label="b")
    with done():
        Tag.objects.create(label="a")
    assert codes(plan_revert_operation(opened.id)) == ["unique-taken"]


def test_plan__value_taken_by_a_deleted_row__is_free() -> None:
    """The deleted keep nothing from the living."""
    with done():
        tag = Tag.objects.create(label="a")
    with done() as opened:
        Tag.objects.filter(pk=tag.pk).update(label="b")
    with done():
        Tag.objects.create(label="a").delete()
    assert not plan_revert_operation(opened.id).conflicts


def test_plan__condition_of_uniqueness_does_not_hold__is_free() -> None:
    """Keepers without an address share that."""
    with done():
        Keeper.objects.create(name="a")
        keeper = Keeper.objects.create(name="b")
    with done() as opened:
        Keeper.objects.filter(pk=keeper.pk).update(email="b@example.org")
    assert not plan_revert_operation(opened.id).conflicts


def test_plan__two_rows_of_the_plan_want_one_value__is_a_conflict(ben: Any) -> None:
    """Among the plan's own rows, too."""
    with done():
        one = Tag.objects.create(label="a")
    with operation(actor=Actor.user(ben), nested=False) as first:
        Tag.objects.filter(pk=one.pk).update(label="b")
    with done():
        Tag.objects.create(label="a")
    with operation(actor=Actor.user(ben), nested=False):
        Tag.objects.filter(label="a").update(label="c")
    begun = Tag.history.filter(operation_id=first.id).get().history_date
    assert codes(plan_revert_user(ben.pk, begun)) == ["unique-taken", "unique-taken"]


def test_apply__rows_changed_places__change_them_back() -> None:
    """A swap of unique values is undone at once."""
    with done():
        one, other = Tag.objects.create(label="a"), Tag.objects.create(label="b")
    with done() as opened:
        for key, label in ((one.pk, "spare"), (other.pk, "a"), (one.pk, "b")):
            Tag.objects.filter(pk=key).update(label=label)
    apply_revert(plan_revert_operation(opened.id))
    assert [Tag.objects.get(pk=row.pk).label for row in (one, other)] == ["a", "b"]


# Purged rows


def test_apply__purged_row__comes_back_under_its_key(place: Enclosure, keeper: Keeper, ana: Any) -> None:
    """With values, owner and time of its making."""
    with done() as opened:
        Enclosure.objects.get(pk=place.pk).purge()
    apply_revert(plan_revert_operation(opened.id))
    row = Enclosure.objects.get(pk=place.pk)
    assert (row.name, row.keeper_id, row.owner_id, row.created_at) == (
        "old", keeper.pk, place.owner_id, place.created_at,
    )  # fmt: skip


def test_apply__purged_row__is_a_creation_by_a_revert(place: Enclosure) -> None:
    """History says how it came back."""
    with done() as opened:
        Enclosure.objects.get(pk=place.pk).purge()
    apply_revert(plan_revert_operation(opened.id))
    newest = timeline(Enclosure, place.pk)[0]
    assert (newest.history_type, newest.action) == ("+", "revert")


def test_plan__purged_row_with_excluded_fields__is_a_conflict(keeper: Keeper) -> None:
    """What history does not keep is lost."""
    with done() as opened:
        keeper.purge()
    assert codes(plan_revert_operation(opened.id)) == ["excluded-fields"]


def test_force__purged_row_with_excluded_fields__comes_back_without(keeper: Keeper) -> None:
    """The fields are empty."""
    with done() as opened:
        keeper.purge()
    apply_revert(plan_revert_operation(opened.id), strategy="force")
    row = Keeper.objects.get()
    assert (row.name, row.pin) == ("kim", "")


def test_apply__excluded_field__keeps_its_value(keeper: Keeper) -> None:
    """A revert does not touch what history does not know."""
    with done() as opened:
        Keeper.objects.update(name="new", pin="9999")
    apply_revert(plan_revert_operation(opened.id))
    assert (Keeper.objects.get().name, Keeper.objects.get().pin) == ("kim", "9999")


def test_plan_revert__purged_row__would_insert_it(place: Enclosure) -> None:
    """Also by its versions alone."""
    first = timeline(Enclosure, place.pk)[0].history_id
    with done():
        Enclosure.objects.get(pk=place.pk).purge()
    apply_revert(plan_revert(place, first))
    assert Enclosure.objects.filter(pk=place.pk).exists()


def test_apply__purged_by_a_closed_account__is_the_sentinels(place: Enclosure, ben: Any) -> None:
    """A closed account owns nothing any more."""
    with done():
        Enclosure.objects.filter(pk=place.pk).update(owner_id=ben.pk)
    with done() as opened:
        Enclosure.objects.get(pk=place.pk).purge()
    type(ben).objects.filter(pk=ben.pk).update(is_active=False)
    apply_revert(plan_revert_operation(opened.id))
    row = Enclosure.objects.get(pk=place.pk)
    assert (row.former_owner_id, row.owner_id != ben.pk) == (ben.pk, True)


# Permission and columns


def test_plan__caller_may_not__is_a_conflict(place: Enclosure) -> None:
    """The caller's rule is asked for every row."""
    with done() as opened:
        Enclosure.objects.update(name="new")
    plan = plan_revert_operation(opened.id, may=lambda _, row: row.name != "new")
    assert codes(plan) == ["no-permission"]


def test_force__caller_may_not__is_refused_still(place: Enclosure) -> None:
    """Force is no permission."""
    with done() as opened:
        Enclosure.objects.update(name="new")
    with pytest.raises(RevertConflict):
        apply_revert(plan_revert_operation(opened.id, may=lambda *_: False), strategy="force")


def test_force__children_of_others__need_permission_too() -> None:
    """What would be deleted along is asked for as well."""
    with done() as opened:
        place = Enclosure.objects.create(name="e")
    with done():
        Animal.objects.create(name="a", enclosure=place)
    plan = plan_revert_operation(opened.id, may=lambda model, _: model is Enclosure)
    assert codes(resolve(plan, "force")) == ["no-permission"]


def test_plan__field_not_writable__is_left_alone(place: Enclosure) -> None:
    """Fields that the caller cannot write are not written."""
    with done() as opened:
        Enclosure.objects.update(name="new", keeper=None)
    plan = plan_revert_operation(opened.id, writable=lambda _: {"name"})
    assert [change.field for change in plan.changes] == ["name"]


def test_plan__column_newer_than_the_version__is_a_note(place: Enclosure) -> None:
    """A column that did not exist then keeps its value."""
    segment = timeline(Enclosure, place.pk)[0].segment_id
    layouts = ledger_model("Layout").objects
    layout = layouts.get(pk=ledger_model("Segment").objects.get(pk=segment).layout_id)
    groups = layout.tables["zoo_historicalenclosure"]
    columns = [[each for each in group if each != "keeper_id"] for group in groups]
    layout.pk, layout.tables = "00000000-0000-0000-0000-000000000001", {"zoo_historicalenclosure": columns}
    layout.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_segment DISABLE TRIGGER USER")
        cursor.execute("UPDATE ledger_segment SET layout_id = %s WHERE id = %s", [layout.pk, segment])
        cursor.execute("ALTER TABLE ledger_segment ENABLE TRIGGER USER")
    with done() as opened:
        Enclosure.objects.update(name="new", keeper=None)
    plan = plan_revert_operation(opened.id)
    assert [note.code for note in plan.rows[0].notes] == ["newer-columns"]
    apply_revert(plan)
    assert now(place) == ("old", None)


# Between plan and application


def test_apply__row_changed_since_the_plan__is_refused(place: Enclosure) -> None:
    """The plan stands on versions."""
    with done() as opened:
        Enclosure.objects.update(name="new")
    plan = plan_revert_operation(opened.id)
    with done():
        Enclosure.objects.update(keeper=None)
    with pytest.raises(RevertConflict, match="changed since"):
        apply_revert(plan, strategy="force")


@pytest.mark.parametrize(
    "meddle",
    [
        lambda: Tag.objects.create(label="a"),
        lambda: Tag.objects.bulk_create([Tag(label="a")]),
    ],
)
def test_apply__value_taken_since_the_plan__is_refused(meddle: Callable[[], Any]) -> None:
    """What was free when it was planned is looked at again."""
    with done():
        tag = Tag.objects.create(label="a")
    with done() as opened:
        Tag.objects.filter(pk=tag.pk).update(label="b")
    plan = plan_revert_operation(opened.id)
    with done():
        meddle()
    with pytest.raises(RevertConflict):
        apply_revert(plan)


def test_apply__child_added_since_the_plan__is_refused() -> None:
    """Nobody's new row is deleted unseen."""
    with done() as opened:
        place = Enclosure.objects.create(name="e")
    plan = plan_revert_operation(opened.id)
    with done():
        Animal.objects.create(name="a", enclosure=place)
    with pytest.raises(RevertConflict):
        apply_revert(plan, strategy="force")


def test_apply__keeps_owner_and_author(place: Enclosure, ben: Any) -> None:
    """The smart fields are nobody's to revert."""
    with done() as opened:
        Enclosure.objects.update(name="new")
    with done():
        Enclosure.objects.update(owner_id=ben.pk)
    apply_revert(plan_revert_operation(opened.id))
    assert Enclosure.objects.get().owner_id == ben.pk


def test_apply__is_one_operation_of_the_actor(place: Enclosure, ben: Any) -> None:
    """Who, what and why are in history."""
    with done() as opened:
        Enclosure.objects.update(name="new")
    with operation(actor=Actor.user(ben), nested=False):
        outcome = apply_revert(plan_revert_operation(opened.id), reason="wrong")
    newest = timeline(Enclosure, place.pk)[0]
    assert (newest.operation_id, newest.action, newest.history_user_id, newest.history_change_reason) == (
        outcome.operation_id, "revert", ben.pk, "wrong",
    )  # fmt: skip


def test_apply__row_goes_back_to_a_deleted_one__holds_what_another_has_by_now() -> None:
    """A value that was reused is no obstacle for a row that ends up deleted, as it was."""
    with operation(nested=False):
        old = Tag.objects.create(label="reused")
        old.delete()
        Tag.objects.create(label="reused")
    with operation(nested=False) as opened:
        Tag.all_objects.filter(pk=old.pk).update(label="other")
        Tag.deleted_objects.get(pk=old.pk).undelete()

    apply_revert(plan_revert_operation(opened.id))

    assert Tag.deleted_objects.get(pk=old.pk).label == "reused"
