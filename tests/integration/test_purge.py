"""Deleted rows are removed for good by hand or when they are old enough, and history keeps them."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import PurgeRefused
from smartmodels.softdelete import expired, purge, purge_expired
from smartmodels.softdelete.links import severed_links
from tests.support.processes import manage
from tests.zoo.models import Animal, Enclosure, Feed, Feeding, Keeper, Tag

OLD, YOUNG = timedelta(days=31), timedelta(days=29)


@pytest.fixture
def animal(in_alpha: Any) -> Animal:
    """An animal; animals are kept for 30 days after their deletion."""
    enclosure = Enclosure.objects.create(name="E", keeper=Keeper.objects.create(name="K"))
    return Animal.objects.create(name="a", enclosure=enclosure)


def delete_ago(row: Any, ago: timedelta) -> None:
    """Delete the row as if that had been some time ago."""
    row.delete()
    type(row).all_objects.filter(pk=row.pk).update(deleted_at=timezone.now() - ago)


def run(*words: str) -> Any:
    """Run the command with --json and without a question; what it printed, parsed."""
    output = StringIO()
    call_command("purge", *words, "--json", "--yes", stdout=output, stderr=StringIO())
    return json.loads(output.getvalue())["purged"]


# The services


def test_expired__row_deleted_before_its_retention__is_listed(animal: Animal) -> None:
    """What was deleted longer ago than it is kept."""
    delete_ago(animal, OLD)
    assert expired(Animal).get() == animal


@pytest.mark.parametrize("ago", [None, YOUNG])
def test_expired__row_that_lives_or_is_kept__is_not_listed(animal: Animal, ago: timedelta | None) -> None:
    """What lives, or was deleted lately, has not expired."""
    if ago is not None:
        delete_ago(animal, ago)
    assert not expired(Animal).exists()


def test_expired__model_without_retention__keeps_everything(animal: Animal) -> None:
    """None is forever, unless the caller says otherwise."""
    tag = Tag.objects.create(label="x")
    delete_ago(tag, OLD)
    assert (expired(Tag).count(), expired(Tag, older_than=YOUNG).count()) == (0, 1)


def test_purge__deleted_row__is_gone_and_its_history_is_not(animal: Animal) -> None:
    """The last version says that it was purged."""
    animal.tags.add(Tag.objects.create(label="x"))
    animal.delete()
    purge(Animal, [animal.pk])
    newest = Animal.history.filter(id=animal.pk).first()
    assert (Animal.all_objects.filter(pk=animal.pk).exists(), newest.action) == (False, "purge")


def test_purge__living_row__is_refused(animal: Animal) -> None:
    """And then none of the rows is removed."""
    other = Animal.objects.create(name="b", enclosure=animal.enclosure)
    other.delete()
    with pytest.raises(PurgeRefused, match="live"):
        purge(Animal, [animal.pk, other.pk])
    assert Animal.all_objects.count() == 2


def test_purge__row_with_deleted_children__takes_them_along(animal: Animal) -> None:
    """What cascades goes too, and is counted."""
    Feeding.objects.create(animal=animal, feed=Feed.objects.create(name="hay"))
    animal.enclosure.delete()
    assert purge(Enclosure, [animal.enclosure_id]).removed == {Enclosure: 1, Animal: 1, Feeding: 1}


def test_purge__row_with_a_living_child__is_not_done(animal: Animal) -> None:
    """Rows that live, however they came to, are never removed."""
    animal.enclosure.delete()
    Animal.all_objects.filter(pk=animal.pk).update(deleted_at=None)
    done = purge(Enclosure, [animal.enclosure_id])
    assert (done.protected, done.protected_by) == ({animal.enclosure_id}, {Animal: 1})
    # At the end of the transaction the database would refuse what was made here.
    animal.delete()


def test_purge__protected_row_among_others__removes_the_others(animal: Animal) -> None:
    """What is protected is reported with what protects it; the rest goes."""
    kept, gone = Feed.objects.create(name="hay"), Feed.objects.create(name="corn")
    Feeding.objects.create(animal=animal, feed=kept).delete()
    Feed.objects.all().delete()
    done = purge(Feed, [kept.pk, gone.pk])
    assert (done.removed, done.protected, done.protected_by) == ({Feed: 1}, {kept.pk}, {Feeding: 1})


def test_purge_expired__what_protects_has_expired_too__removes_both(animal: Animal) -> None:
    """Children go before the parents they point at."""
    feed = Feed.objects.create(name="hay")
    delete_ago(Feeding.objects.create(animal=animal, feed=feed), OLD)
    delete_ago(feed, OLD)
    done = purge_expired([Feed, Feeding], older_than=YOUNG)
    assert [(each.model, each.total()) for each in done] == [(Feeding, 1), (Feed, 1)]


def test_purge__row_whose_links_were_cut__forgets_them(animal: Animal) -> None:
    """A link to a row that never comes back waits for nothing."""
    keeper = animal.enclosure.keeper
    keeper.delete()
    before = severed_links().objects.count()
    purge(Keeper, [keeper.pk])
    assert (before, severed_links().objects.count()) == (1, 0)


# The command


def test_command__expired_row__is_removed_and_counted(animal: Animal) -> None:
    """By the retention of its model."""
    delete_ago(animal, OLD)
    line = {"namespace": "alpha", "model": "zoo.animal", "removed": 1, "with_them": {}, "protected": 0}
    assert (run("--namespace", "alpha"), Animal.all_objects.count()) == ([{**line, "protected_by": {}}], 0)


def test_command__row_that_is_kept__stays(animal: Animal) -> None:
    """Retention has not passed."""
    delete_ago(animal, YOUNG)
    assert (run(), Animal.all_objects.count()) == ([], 1)


def test_command__older_than__is_used_instead_of_retention(animal: Animal) -> None:
    """By hand, for models that keep deleted rows too."""
    tag = Tag.objects.create(label="x")
    delete_ago(tag, timedelta(days=8))
    assert (run("--older-than", "1w")[0]["model"], Tag.all_objects.count()) == ("zoo.tag", 0)


def test_command__one_model__leaves_the_others(animal: Animal) -> None:
    """--model restricts."""
    tag = Tag.objects.create(label="x")
    delete_ago(tag, OLD)
    delete_ago(animal, OLD)
    run("--model", "zoo.Animal")
    assert (Tag.all_objects.count(), Animal.all_objects.count()) == (1, 0)


def test_command__dry_run__tells_the_same_and_removes_nothing(animal: Animal) -> None:
    """What would be done is what is done, then taken back."""
    feed = Feed.objects.create(name="hay")
    delete_ago(Feeding.objects.create(animal=animal, feed=feed), OLD)
    delete_ago(feed, OLD)
    told, kept = run("--older-than", "1d", "--dry-run"), Feed.all_objects.count()
    done, left = run("--older-than", "1d"), Feed.all_objects.count()
    assert (told, kept, left) == (done, 1, 0)


def test_command__all_namespaces__purges_each(animal: Animal, beta: Any, bea: Any) -> None:
    """Each namespace has its line."""
    delete_ago(animal, OLD)
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        other = Animal.objects.create(name="b", enclosure=Enclosure.objects.create(name="F"))
        delete_ago(other, OLD)
    assert [line["namespace"] for line in run()] == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "zoo.Tag"), "older-than"),
        (("--model", "zoo.Nothing"), "choose from"),
        (("--namespace", "nowhere"), "namespace-not-found"),
        (("--older-than", "soon"), "30d"),
    ],
)
def test_command__wrong_words__are_refused(in_alpha: Any, words: tuple[str, ...], message: str) -> None:
    """With what could be said instead."""
    with pytest.raises(CommandError, match=message):
        run(*words)


def test_command__for_people__prints_a_table(animal: Animal) -> None:
    """One line for each model of each namespace."""
    delete_ago(animal, OLD)
    output = StringIO()
    call_command("purge", "--yes", stdout=output, stderr=StringIO())
    assert output.getvalue().splitlines()[1].split() == ["alpha", "zoo.animal", "1", "-", "0", "-"]


@pytest.mark.parametrize(("typed", "left"), [("", 1), ("no\n", 1), ("yes\n", 0)])
def test_command__without_yes__asks(committing: Any, alpha: Any, ana: Any, typed: str, left: int) -> None:
    """Only the word yes removes anything."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        row = Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="E"))
        delete_ago(row, OLD)
    done = manage("purge", stdin=typed)
    with namespace_scope(alpha):
        assert (Animal.all_objects.count(), done.returncode) == (left, left), done.stderr
