"""Deleted rows do not show: through managers, joins, counts, prefetches, the admin's search."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Count, Exists, F, FilteredRelation, OuterRef, Prefetch, Q, Subquery, Sum
from django.test import override_settings

from tenant_apps.research.models import Study
from tests.zoo.models import Animal, Enclosure, Feed, Feeding, Keeper, Tag


@pytest.fixture
def herd(in_alpha: Any) -> Enclosure:
    """A living animal (5 g) and a deleted one (7 g), both with a living and a deleted tag."""
    enclosure = Enclosure.objects.create(name="E", keeper=Keeper.objects.create(name="K"))
    feed = Feed.objects.create(name="hay")
    tags = [Tag.objects.create(label=label) for label in ("seen", "gone")]
    for name, grams in (("alive", 5), ("dead", 7)):
        animal = Animal.objects.create(name=name, enclosure=enclosure)
        animal.tags.set(tags)
        Feeding.objects.create(animal=animal, feed=feed, grams=grams)
    Animal.objects.get(name="dead").delete()
    tags[1].delete()
    return enclosure


def test_related_manager__of_a_row__shows_living_children(herd: Enclosure) -> None:
    """enclosure.animals is about the living."""
    assert [animal.name for animal in herd.animals.all()] == ["alive"]


def test_related_manager__of_links__shows_living_ends(herd: Enclosure) -> None:
    """animal.tags is about living tags, tag.animals about living animals."""
    animal, tag = Animal.objects.get(), Tag.objects.get()
    assert ([t.label for t in animal.tags.all()], [a.name for a in tag.animals.all()]) == (
        ["seen"],
        ["alive"],
    )


def test_related_manager__of_a_deleted_row__shows_what_it_is_linked_to(herd: Enclosure) -> None:
    """A page about a deleted row can show its living tags."""
    animal = Animal.deleted_objects.get()
    assert [tag.label for tag in animal.tags.all()] == ["seen"]


def test_count__over_a_reverse_key__counts_the_living(herd: Enclosure) -> None:
    """Count() on a reverse relation."""
    assert Enclosure.objects.annotate(n=Count("animals")).get(pk=herd.pk).n == 1


def test_count__over_links__counts_living_ends(herd: Enclosure) -> None:
    """Count() on a many-to-many relation, both ways, though the table of links has more."""
    ends = Animal.objects.annotate(n=Count("tags")).get().n, Tag.objects.annotate(n=Count("animals")).get().n
    assert ends == (1, 1)


def test_count__over_links_nobody_names__counts_living_ends(herd: Enclosure) -> None:
    """A many-to-many field without a name on the other side is no exception."""
    animal = Animal.objects.get()
    animal.untracked.set(Tag.all_objects.all())
    assert Animal.objects.annotate(n=Count("untracked")).get().n == 1


def test_sum__two_levels_down__adds_up_the_living(herd: Enclosure) -> None:
    """A join along two reverse keys."""
    assert Enclosure.objects.aggregate(grams=Sum("animals__feedings__grams"))["grams"] == 5


def test_values__over_a_reverse_key__lists_the_living(herd: Enclosure) -> None:
    """values() through the relation."""
    assert list(Enclosure.objects.values_list("animals__name", flat=True)) == ["alive"]


def test_filter__by_a_deleted_child__finds_nothing(herd: Enclosure) -> None:
    """A filter through a reverse key meets the living only."""
    assert not Enclosure.objects.filter(animals__name="dead").exists()


def test_filter__without_children__finds_what_has_only_deleted_ones(herd: Enclosure) -> None:
    """A lookup isnull through a reverse key counts a row of dead children as childless."""
    herd.animals.all().delete()
    assert Enclosure.objects.filter(animals__isnull=True).get() == herd


def test_exclude__by_a_deleted_child__excludes_nothing(herd: Enclosure) -> None:
    """exclude() asks in a subquery, where the dead do not count either."""
    assert Enclosure.objects.exclude(animals__name="dead").get() == herd


def test_exclude__by_a_living_child__still_excludes(herd: Enclosure) -> None:
    """The living count in it."""
    assert not Enclosure.objects.exclude(animals__name="alive").exists()


def test_exclude__two_levels_down__ignores_children_of_the_deleted(herd: Enclosure) -> None:
    """In a longer way every table's dead are left out."""
    assert Keeper.objects.exclude(enclosures__animals__name="dead").count() == 1


def test_exclude__by_a_deleted_end_of_links__excludes_nothing(herd: Enclosure) -> None:
    """A deleted tag is no reason to leave an animal out, by its word or by its key."""
    gone = Tag.deleted_objects.get()
    by_word, by_key = Animal.objects.exclude(tags__label="gone"), Animal.objects.exclude(tags=gone)
    assert (by_word.count(), by_key.count()) == (1, 1)


def test_filter__by_a_deleted_end_of_links__finds_nothing(herd: Enclosure) -> None:
    """By its word or by its key, although the key alone would not need the tag's table."""
    gone = Tag.deleted_objects.get()
    found = [Animal.objects.filter(tags__label="gone"), Animal.objects.filter(tags=gone)]
    found.append(Animal.objects.filter(tags__in=[gone.pk]))
    assert [rows.count() for rows in found] == [0, 0, 0]


def test_filter__by_a_living_end_of_links__finds(herd: Enclosure) -> None:
    """By its word or by its key."""
    seen = Tag.objects.get()
    assert [
        Animal.objects.filter(condition).count() for condition in (Q(tags=seen), Q(tags__label="seen"))
    ] == [1, 1]


def test_filtered_relation__over_a_reverse_key__meets_the_living(herd: Enclosure) -> None:
    """A FilteredRelation has its own condition and ours."""
    heavy = FilteredRelation("animals", condition=Q(animals__name__contains="a"))
    rows = Enclosure.objects.annotate(heavy=heavy).filter(heavy__isnull=False)
    assert list(rows.values_list("heavy__name", flat=True)) == ["alive"]


def test_subquery__through_a_reverse_key__meets_the_living(herd: Enclosure) -> None:
    """Exists() and Subquery() over a join, tied to the row around them."""
    inner = Enclosure.objects.filter(pk=OuterRef("pk"), animals__name="dead")
    word = Enclosure.objects.filter(pk=OuterRef("pk")).values("animals__name")[:1]
    row = Enclosure.objects.annotate(has=Exists(inner), word=Subquery(word)).get()
    assert (row.has, row.word) == (False, "alive")


def test_update__of_rows_with_a_living_child__changes_them(herd: Enclosure) -> None:
    """update() and delete() go through the same joins."""
    changed = [Enclosure.objects.filter(animals__name=name).update(name=name) for name in ("dead", "alive")]
    assert changed == [0, 1]


def test_combined__two_querysets__keep_leaving_out_the_deleted(herd: Enclosure) -> None:
    """| and & build one query of the joins of both."""
    either = Enclosure.objects.filter(animals__name="dead") | Enclosure.objects.filter(animals__name="x")
    both = Enclosure.objects.filter(name="E") & Enclosure.objects.filter(animals__name="alive")
    assert (either.count(), both.count()) == (0, 1)


def test_union__of_two_querysets__leaves_out_the_deleted(herd: Enclosure) -> None:
    """So do the parts of a UNION."""
    one, two = (Enclosure.objects.filter(animals__name=name) for name in ("dead", "alive"))
    assert one.union(two).count() == 1


def test_prefetch__of_children_and_links__brings_the_living(herd: Enclosure) -> None:
    """prefetch_related() by name and by Prefetch."""
    by_name = Enclosure.objects.prefetch_related("animals__tags").get(pk=herd.pk)
    by_query = Enclosure.objects.prefetch_related(Prefetch("animals", Animal.objects.all())).get(pk=herd.pk)
    found = [[animal.name for animal in row.animals.all()] for row in (by_name, by_query)]
    tags = [tag.label for animal in by_name.animals.all() for tag in animal.tags.all()]
    assert (found, tags) == ([["alive"], ["alive"]], ["seen"])


def test_way_up__from_a_row_to_a_deleted_one__shows_it(herd: Enclosure) -> None:
    """A key that points at a deleted row is shown as it is; children of it are found by it."""
    feeding = Feeding.all_objects.get(grams=7)
    names = Feeding.all_objects.filter(animal__name="dead").values_list("animal__name", flat=True)
    assert (feeding.animal.name, list(names)) == ("dead", ["dead"])


def test_all_objects__over_a_reverse_key__counts_everything(herd: Enclosure) -> None:
    """all_objects hides nothing, at any end."""
    assert Enclosure.all_objects.annotate(n=Count("animals")).get(pk=herd.pk).n == 2


def test_annotation__by_a_key_of_the_row__needs_no_join(herd: Enclosure) -> None:
    """The way up by the key alone is as cheap as before."""
    rows = Animal.objects.annotate(k=F("enclosure__id"))
    assert "JOIN" not in str(rows.query)


def test_hide_deleted__switched_off__shows_all_rows(herd: Enclosure) -> None:
    """SMARTMODELS_HIDE_DELETED = False: objects is all_objects."""
    with override_settings(SMARTMODELS_HIDE_DELETED=False):
        counts = (
            Animal.objects.count(),
            herd.animals.count(),
            Enclosure.objects.aggregate(n=Count("animals"))["n"],
        )
    assert counts == (2, 2, 2)


def test_across__namespaces__counts_living_children_and_links(herd: Enclosure, alpha: Any, beta: Any) -> None:
    """The rendering over many schemas keeps the condition of each join."""
    rows = Enclosure.objects.across([alpha, beta]).annotate(n=Count("animals", distinct=True))
    words = Animal.objects.across([alpha, beta]).annotate(n=Count("tags"))
    excluded = Enclosure.objects.across([alpha, beta]).exclude(animals__name="dead")
    assert ([row.n for row in rows], [row.n for row in words], excluded.count()) == ([1], [1], 1)


def test_autocomplete__of_the_admin__does_not_offer_deleted_rows(
    client_of: Callable[..., Any], ana: Any, in_alpha: Any
) -> None:
    """What a form offers to point at is alive."""
    for code in ("PAL1", "PAL2"):
        Study.objects.create(code=code)
    Study.objects.get(code="PAL2").delete()
    asked = {"app_label": "research", "model_name": "specimen", "field_name": "study", "term": "PAL"}
    answer = client_of(ana, in_alpha).get("/admin/autocomplete/", asked)
    assert [each["text"] for each in answer.json()["results"]] == ["PAL1"]
