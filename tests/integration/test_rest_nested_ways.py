"""Nested rows above the row, given flat, linked and let go, and found by a function."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from smartmodels.rest import Nested, ResourceViewSet, SmartViewSet, derive_serializer
from tests.support.sending import sender
from tests.zoo.models import Animal, Enclosure, Keeper


class KeeperViewSet(SmartViewSet):
    """People."""

    model = Keeper
    serializer_class: Any = derive_serializer(Keeper, ("name", "email"))


class AnimalViewSet(ResourceViewSet):
    """Animals, with the keeper that they can do without."""

    model = Animal
    serializer_class: Any = derive_serializer(Animal, ("name", "enclosure", "keeper"))
    nested: ClassVar = {
        "keeper": Nested(KeeperViewSet, key=("email",), flat={"keeper_email": "email", "keeper_name": "name"})
    }


def by_name(name: str) -> Animal | None:
    """The animal of this name, wherever it is."""
    found: Animal | None = Animal.objects.filter(name=name).first()
    return found


class EnclosureViewSet(ResourceViewSet):
    """Enclosures, with animals found by their names wherever they are."""

    model = Enclosure
    serializer_class: Any = derive_serializer(Enclosure, ("name", "keeper"))
    nested: ClassVar = {
        "animals": Nested(
            AnimalViewSet, resolve=lambda data, _: Animal.objects.filter(name=data["name"]).first()
        )
    }


class PeopleViewSet(SmartViewSet):
    """Keepers, with the animals that look for one."""

    model = Keeper
    serializer_class: Any = derive_serializer(Keeper, ("name", "email"))
    nested: ClassVar = {"animals": Nested(AnimalViewSet)}


@pytest.fixture
def send(alpha: Any, ana: Any) -> Callable[..., Any]:
    """Send a body to a viewset that has no address, as ana."""
    return sender(ana, alpha)


@pytest.fixture
def zoo(in_alpha: Any) -> dict[str, Any]:
    """Two enclosures, one animal in the first, a keeper."""
    keeper = Keeper.objects.create(name="Kim", email="kim@zoo.example")
    first, second = (Enclosure.objects.create(name=name) for name in ("First", "Second"))
    return {"keeper": keeper, "first": first, "second": second,
            "animal": Animal.objects.create(name="Anna", enclosure=first)}  # fmt: skip


def animal(zoo: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "Bob", "enclosure": str(zoo["first"].pk), **more}


def test_above__natural_key_known__is_referred_to(send: Any, zoo: dict[str, Any]) -> None:
    """A value that must be unique is no obstacle to naming the row that has it."""
    answer = send(AnimalViewSet, "post", animal(zoo, keeper={"name": "Kim", "email": "kim@zoo.example"}))
    assert (answer.status_code, answer.data["keeper"]["id"]) == (201, str(zoo["keeper"].pk))


def test_above__natural_key_unknown__is_made(send: Any, zoo: dict[str, Any]) -> None:
    """And the row refers to it."""
    send(AnimalViewSet, "post", animal(zoo, keeper={"name": "Lee", "email": "lee@zoo.example"}))
    assert Animal.objects.get(name="Bob").keeper.name == "Lee"


def test_above__id_of_another_row__is_refused(send: Any, zoo: dict[str, Any]) -> None:
    """Only the one that the row refers to can be changed by its id."""
    sent = {"keeper": {"id": str(zoo["keeper"].pk), "name": "X"}}
    answer = send(AnimalViewSet, "patch", sent, zoo["animal"].pk)
    assert (answer.status_code, answer.data["errors"][0]["pointer"]) == (400, "/keeper/id")


def test_flat__values_at_the_level_of_the_row__are_nested_ones(send: Any, zoo: dict[str, Any]) -> None:
    """As if they stood in an object."""
    send(AnimalViewSet, "post", animal(zoo, keeper_email="lee@zoo.example", keeper_name="Lee"))
    assert Animal.objects.get(name="Bob").keeper.email == "lee@zoo.example"


def test_flat__mistake__points_at_where_it_stands(send: Any, zoo: dict[str, Any]) -> None:
    """Not at an object that nobody sent."""
    answer = send(AnimalViewSet, "post", animal(zoo, keeper_email="x", keeper_name="Lee"))
    assert [each["pointer"] for each in answer.data["errors"]] == ["/keeper_email"]


def test_resolve__row_of_the_parent__is_changed(send: Any, zoo: dict[str, Any]) -> None:
    """It is found without an id."""
    sent = {"animals": [{"name": "Anna", "keeper": str(zoo["keeper"].pk)}]}
    send(EnclosureViewSet, "patch", sent, zoo["first"].pk)
    assert (Animal.objects.get().keeper_id, Animal.objects.count()) == (zoo["keeper"].pk, 1)


def test_resolve__row_of_another_parent__is_refused(send: Any, zoo: dict[str, Any]) -> None:
    """A function that looks too far takes nothing from anybody."""
    answer = send(EnclosureViewSet, "patch", {"animals": [{"name": "Anna"}]}, zoo["second"].pk)
    assert (answer.status_code, Animal.objects.get().enclosure_id) == (400, zoo["first"].pk)


@pytest.mark.parametrize("verb", ["link", "unlink"])
def test_link__row_of_nobody__is_linked_and_let_go(send: Any, zoo: dict[str, Any], verb: str) -> None:
    """A key that may be null is set, or emptied; the row stays."""
    Animal.objects.filter(pk=zoo["animal"].pk).update(keeper=None if verb == "link" else zoo["keeper"])
    answer = send(PeopleViewSet, "patch", {"animals": {verb: [str(zoo["animal"].pk)]}}, zoo["keeper"].pk)
    linked = zoo["keeper"].pk if verb == "link" else None
    assert (answer.status_code, Animal.objects.get().keeper_id) == (200, linked)


def test_link__row_of_another__is_refused(send: Any, zoo: dict[str, Any]) -> None:
    """Nobody's rows are taken from them."""
    other = Keeper.objects.create(name="Lee")
    Animal.objects.update(keeper=other)
    answer = send(PeopleViewSet, "patch", {"animals": {"link": [str(zoo["animal"].pk)]}}, zoo["keeper"].pk)
    assert (answer.status_code, Animal.objects.get().keeper_id) == (400, other.pk)
