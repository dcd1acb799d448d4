"""H1 for the ways to write that need links, asynchronous code, fixtures or commands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command

from smartmodels.history import history_model
from tests.support.truth import assert_now
from tests.zoo.models import Animal, Enclosure, Keeper, Tag

pytestmark = pytest.mark.usefixtures("in_alpha")


class Zoo:
    """One animal with everything around it."""

    def __init__(self) -> None:
        self.keeper = Keeper.objects.create(name="K")
        self.enclosure = Enclosure.objects.create(name="E", keeper=self.keeper)
        self.animal = Animal.objects.create(name="A", enclosure=self.enclosure, keeper=self.keeper)
        self.tags = Tag.objects.bulk_create([Tag(label=f"t{n}") for n in range(3)])
        self.animal.tags.set(self.tags[:2])


def finish(call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Run asynchronous code to its end, in this thread."""

    async def run() -> None:
        await call(*args, **kwargs)

    async_to_sync(run)()


def add(zoo: Zoo) -> None:
    zoo.animal.tags.add(zoo.tags[2])


def remove(zoo: Zoo) -> None:
    zoo.animal.tags.remove(zoo.tags[0])


def set_links(zoo: Zoo) -> None:
    zoo.animal.tags.set([zoo.tags[0], zoo.tags[2]])


def clear(zoo: Zoo) -> None:
    zoo.animal.tags.clear()


def add_from_the_other_side(zoo: Zoo) -> None:
    zoo.tags[2].animals.add(zoo.animal)


def create_through_links(zoo: Zoo) -> None:
    zoo.animal.tags.create(label="new")


def set_null(zoo: Zoo) -> None:
    zoo.keeper.delete()


def tie_again(zoo: Zoo) -> None:
    zoo.keeper.delete()
    zoo.keeper.undelete()


def purge_of_a_link(zoo: Zoo) -> None:
    zoo.tags[0].purge()


def acreate(zoo: Zoo) -> None:
    finish(Animal.objects.acreate, name="async", enclosure=zoo.enclosure)


def asave(zoo: Zoo) -> None:
    zoo.animal.name = "async"
    finish(zoo.animal.asave)


def aupdate(zoo: Zoo) -> None:
    finish(Animal.objects.aupdate, name="async")


def abulk_create(zoo: Zoo) -> None:
    rows = [Animal(name=f"async {n}", enclosure=zoo.enclosure) for n in range(60)]
    finish(Animal.objects.abulk_create, rows)


def abulk_update(zoo: Zoo) -> None:
    zoo.animal.name = "async"
    finish(Animal.objects.abulk_update, [zoo.animal], ["name"])


def aupdate_or_create(zoo: Zoo) -> None:
    finish(Animal.objects.aupdate_or_create, pk=zoo.animal.pk, defaults={"name": "async"})


def related_aupdate_or_create(zoo: Zoo) -> None:
    finish(zoo.enclosure.animals.aupdate_or_create, pk=zoo.animal.pk, defaults={"name": "async"})


def related_get_or_create(zoo: Zoo) -> None:
    zoo.enclosure.animals.get_or_create(name="new")


def adelete(zoo: Zoo) -> None:
    finish(zoo.animal.adelete)


def adelete_queryset(zoo: Zoo) -> None:
    finish(Animal.objects.all().adelete)


def aadd(zoo: Zoo) -> None:
    finish(zoo.animal.tags.aadd, zoo.tags[2])


def in_bulk_through_related(zoo: Zoo) -> None:
    zoo.enclosure.animals.bulk_create([Animal(name="bulk", enclosure=zoo.enclosure)])


def many_links_at_once(zoo: Zoo) -> None:
    through = Animal.tags.through
    through.objects.bulk_create([through(animal=zoo.animal, tag=zoo.tags[2])])


WAYS = [
    add, remove, set_links, clear, add_from_the_other_side, create_through_links, set_null, tie_again,
    purge_of_a_link, acreate, asave, aupdate, abulk_create, abulk_update, aupdate_or_create,
    related_aupdate_or_create, related_get_or_create, adelete, adelete_queryset, aadd,
    in_bulk_through_related, many_links_at_once,
]  # fmt: skip


@pytest.mark.parametrize("write", WAYS, ids=lambda write: write.__name__)
def test_history__after_the_write__equals_rows_and_links(write: Callable[[Zoo], None]) -> None:
    """Rows, links, types: the newest version of everything is how it is."""
    zoo = Zoo()
    before = history_model(Animal).objects.count()
    write(zoo)
    assert history_model(Animal).objects.count() > before
    for model in (Keeper, Enclosure, Animal, Tag):
        assert_now(model)


def test_history__after_loaddata__equals_the_rows(tmp_path: Path) -> None:
    """A fixture is written past the models' own save, and captured all the same."""
    zoo = Zoo()
    call_command("dumpdata", "zoo.animal", output=str(tmp_path / "animals.json"), verbosity=0)
    rows: list[dict[str, Any]] = json.loads((tmp_path / "animals.json").read_text())
    rows[0]["fields"]["name"] = "from a fixture"
    (tmp_path / "animals.json").write_text(json.dumps(rows))
    call_command("loaddata", str(tmp_path / "animals.json"), verbosity=0)
    assert Animal.objects.get(pk=zoo.animal.pk).name == "from a fixture"
    assert_now(Animal)
