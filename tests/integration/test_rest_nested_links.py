"""Rows of a many-to-many field in the same request: linked, made, changed, let go, and never another's."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from smartmodels.context import namespace_scope
from smartmodels.history import timeline
from smartmodels.rest import Nested, ResourceViewSet, SmartSerializer, SmartViewSet, derive_serializer
from tests.support.bulk import NOBODY
from tests.support.sending import sender
from tests.zoo.models import Animal, Enclosure, Tag

LENIENT = {"Prefer": "handling=lenient"}


class TagViewSet(SmartViewSet):
    """Words."""

    model = Tag
    serializer_class: Any = derive_serializer(Tag, ("label",))


class AnimalViewSet(ResourceViewSet):
    """Animals with their words."""

    model = Animal
    serializer_class: Any = derive_serializer(Animal, ("name", "enclosure", "tags"))
    nested: ClassVar = {"tags": Nested(TagViewSet, key=("label",))}


class MarkedViewSet(SmartViewSet):
    """Words with their animals: the same links from the other side."""

    model = Tag
    serializer_class: Any = derive_serializer(Tag, ("label",))
    nested: ClassVar = {"animals": Nested(AnimalViewSet)}


class WordySerializer(SmartSerializer):
    """Animals that have a word at least, and are read by the serializer itself."""

    class Meta:
        model = Animal
        fields = ("name", "enclosure", "tags")
        extra_kwargs: ClassVar = {"tags": {"required": True, "allow_empty": False}}


class WordyViewSet(AnimalViewSet):
    """Animals that have a word at least."""

    serializer_class: Any = WordySerializer


class OwnSerializer(WordySerializer):
    """The same with a way of its own to read a row."""

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value({**data, "name": data["name"].strip("!")})


class OwnViewSet(AnimalViewSet):
    """Animals that are read one by one."""

    serializer_class: Any = OwnSerializer


class HomeViewSet(ResourceViewSet):
    """Enclosures with animals that are read one by one."""

    model = Enclosure
    serializer_class: Any = derive_serializer(Enclosure, ("name",))
    nested: ClassVar = {"animals": Nested(OwnViewSet)}


@pytest.fixture
def send(alpha: Any, ana: Any) -> Callable[..., Any]:
    return sender(ana, alpha)


@pytest.fixture
def zoo(in_alpha: Any) -> dict[str, Any]:
    """Anna, who is old and tame; Bob, who is old; and a word that nobody bears."""
    enclosure = Enclosure.objects.create(name="First")
    words = {label: Tag.objects.create(label=label) for label in ("old", "tame", "rare")}
    anna, bob = (Animal.objects.create(name=name, enclosure=enclosure) for name in ("Anna", "Bob"))
    anna.tags.set([words["old"], words["tame"]])
    bob.tags.set([words["old"]])
    return {"enclosure": enclosure, "anna": anna, "bob": bob, **words}


def ids(zoo: dict[str, Any], *labels: str) -> list[str]:
    return [str(zoo[label].pk) for label in labels]


def words(animal: Animal) -> list[str]:
    """What an animal is found by."""
    return sorted(Tag.objects.filter(animals=animal).values_list("label", flat=True))


def patched(send: Any, zoo: dict[str, Any], wish: Any) -> tuple[int, list[str]]:
    """The answer to a change of Anna's words, and what they are then."""
    answer = send(AnimalViewSet, "patch", {"tags": wish}, zoo["anna"].pk)
    return answer.status_code, words(zoo["anna"])


def new(zoo: dict[str, Any], name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "enclosure": str(zoo["enclosure"].pk), **more}


@pytest.mark.parametrize(
    ("wish", "after"),
    [
        (lambda zoo: {"link": ids(zoo, "rare")}, ["old", "rare", "tame"]),
        (lambda zoo: {"unlink": ids(zoo, "old")}, ["tame"]),
        (lambda _: {"create": [{"label": "new"}]}, ["new", "old", "tame"]),
        (lambda zoo: {"update": [{"id": ids(zoo, "tame")[0], "label": "wild"}]}, ["old", "wild"]),
        (lambda zoo: {"delete": ids(zoo, "tame")}, ["old"]),
        (lambda zoo: {"replace": [*ids(zoo, "rare"), {"label": "tame"}]}, ["rare", "tame"]),
        (lambda _: {"replace": []}, []),
        (lambda _: {"merge": [{"label": "rare"}]}, ["old", "rare", "tame"]),
        (lambda zoo: [*ids(zoo, "rare"), {"label": "new"}], ["new", "old", "rare", "tame"]),
        (lambda zoo: {"link": ids(zoo, "rare"), "unlink": ids(zoo, "old")}, ["rare", "tame"]),
    ],
    ids=["link", "unlink", "create", "update", "delete", "replace", "empty", "merge", "array", "both"],
)
def test_patch__every_verb__does_it(send: Any, zoo: dict[str, Any], wish: Any, after: list[str]) -> None:
    """The links are then what the request says."""
    assert patched(send, zoo, wish(zoo)) == (200, after)


def test_replace__word_of_others__stays_theirs(send: Any, zoo: dict[str, Any]) -> None:
    """What is not named is let go, and neither deleted nor taken from anybody."""
    patched(send, zoo, {"replace": []})
    assert (words(zoo["bob"]), Tag.objects.count()) == (["old"], 3)


def test_put__array_of_keys__replaces(send: Any, zoo: dict[str, Any]) -> None:
    """As without nested rows."""
    answer = send(AnimalViewSet, "put", new(zoo, "Anna", tags=ids(zoo, "rare")), zoo["anna"].pk)
    assert ([row["label"] for row in answer.data["tags"]], words(zoo["anna"])) == (["rare"], ["rare"])


@pytest.mark.parametrize("verb", ["update", "delete", "unlink"])
def test_patch__row_that_is_not_linked__is_refused(send: Any, zoo: dict[str, Any], verb: str) -> None:
    """It is visible, but not this one's to change."""
    [rare] = ids(zoo, "rare")
    answer = send(
        AnimalViewSet,
        "patch",
        {"tags": {verb: [{"id": rare, "label": "X"} if verb == "update" else rare]}},
        zoo["anna"].pk,
    )
    assert (answer.status_code, {each["code"] for each in answer.data["errors"]}) == (400, {"does-not-exist"})


@pytest.mark.parametrize(
    "wish",
    [{"link": [1]}, {"link": [{}]}, {"delete": [{}]}, {"link": ["x"]}, {"link": "x"}, {"link": [NOBODY]},
     [None], "x", {}, {"steal": []}, [{"id": None}], {"create": [{}]}, {"create": ["x"]}],
)  # fmt: skip
def test_patch__makes_no_sense__is_refused(send: Any, zoo: dict[str, Any], wish: Any) -> None:
    """A 400, and nothing changes."""
    assert patched(send, zoo, wish) == (400, ["old", "tame"])


def test_link__row_of_another_namespace__is_refused(send: Any, zoo: dict[str, Any], beta: Any) -> None:
    """It is not there, as far as anybody here can tell."""
    with namespace_scope(beta):
        theirs = Tag.objects.create(label="theirs")
    assert patched(send, zoo, {"link": [str(theirs.pk)]}) == (400, ["old", "tame"])


def test_link__twice_in_one_request__is_refused(send: Any, zoo: dict[str, Any]) -> None:
    """What is to become of it is not clear."""
    assert patched(send, zoo, {"link": ids(zoo, "old"), "unlink": ids(zoo, "old")})[0] == 400


def test_change__by_two_parents_at_once__is_refused(send: Any, zoo: dict[str, Any]) -> None:
    """A row has one new state."""
    sent = [{"id": str(zoo[name].pk), "tags": [{"id": ids(zoo, "old")[0], "label": name}]}
            for name in ("anna", "bob")]  # fmt: skip
    answer = send(AnimalViewSet, "patch", sent)
    assert [each["pointer"] for each in answer.data["errors"]] == ["/1/tags/0"]


def test_create__new_word_of_two_parents__is_made_once(send: Any, zoo: dict[str, Any]) -> None:
    """Found by its natural key, also among what the request makes."""
    sent = [new(zoo, name, tags=[{"label": "new"}]) for name in ("Cleo", "Dora")]
    answer = send(AnimalViewSet, "post", sent)
    assert (answer.status_code, Animal.objects.filter(tags__label="new").count()) == (201, 2)


def test_link__tracked_field__leaves_a_version(send: Any, zoo: dict[str, Any]) -> None:
    """The newest version of the animal bears the new links."""
    before = timeline(Animal, zoo["anna"].pk).count()
    patched(send, zoo, {"link": ids(zoo, "rare")})
    newest = timeline(Animal, zoo["anna"].pk)[0]
    assert (
        timeline(Animal, zoo["anna"].pk).count() > before,
        set(map(str, newest.tags.values_list("tag", flat=True))),
    ) == (
        True,
        set(ids(zoo, "old", "tame", "rare")),
    )


def test_link__as_it_is__leaves_no_version(send: Any, zoo: dict[str, Any]) -> None:
    """Nothing changes, so nothing is written."""
    before = timeline(Animal, zoo["anna"].pk).count()
    patched(send, zoo, {"link": ids(zoo, "old")})
    assert timeline(Animal, zoo["anna"].pk).count() == before


def test_reverse__rows_of_the_other_side__are_linked(send: Any, zoo: dict[str, Any]) -> None:
    """By the name under which they point here."""
    answer = send(MarkedViewSet, "patch", {"animals": {"link": [str(zoo["bob"].pk)]}}, zoo["rare"].pk)
    assert (answer.status_code, words(zoo["bob"])) == (200, ["old", "rare"])


def test_create__100_animals_with_words__takes_few_statements(send: Any, zoo: dict[str, Any]) -> None:
    """As many as there are levels, not rows."""
    sent = [new(zoo, f"N{n}", tags=[*ids(zoo, "old", "rare"), {"label": f"W{n}"}]) for n in range(100)]
    with CaptureQueriesContext(connection) as queries:
        answer = send(AnimalViewSet, "post", sent)
    assert (answer.status_code, len(queries) <= 25) == (201, True), len(queries)


def test_array__lenient__writes_whole_rows_or_none_of_them(send: Any, zoo: dict[str, Any]) -> None:
    """207: the row with a mistake below it is not written, the others are with all that is below."""
    sent = [
        new(zoo, "Cleo", tags=[{"label": "new"}]),
        new(zoo, "Dora", tags=[{"label": "x" * 60}]),
        new(zoo, "Emil", tags=[{"label": "new"}, *ids(zoo, "old")]),
    ]
    answer = send(AnimalViewSet, "post", sent, **LENIENT)
    told = [
        (row["status"], [each["pointer"] for each in row.get("errors", ())]) for row in answer.data["results"]
    ]
    assert (answer.status_code, told) == (207, [(201, []), (400, ["/1/tags/0/label"]), (201, [])])
    assert words(Animal.objects.get(name="Emil")) == ["new", "old"]
    assert not Animal.objects.filter(name="Dora").exists()


def test_array__lenient_change__goes_on_beside_the_refused(send: Any, zoo: dict[str, Any]) -> None:
    """A row is changed though the attempt before it failed."""
    sent = [
        {"id": str(zoo["anna"].pk), "name": "A", "tags": {"unlink": ids(zoo, "old")}},
        {"id": str(zoo["bob"].pk), "name": "B", "tags": {"unlink": ids(zoo, "tame")}},
        {"id": NOBODY, "tags": []},
    ]
    answer = send(AnimalViewSet, "patch", sent, **LENIENT)
    assert [row["status"] for row in answer.data["results"]] == [200, 400, 404]
    assert list(Animal.objects.order_by("name").values_list("name", flat=True)) == ["A", "Bob"]


# Fields that need a row at least


@pytest.mark.parametrize("viewset", [WordyViewSet, OwnViewSet])
@pytest.mark.parametrize(
    ("sent", "code"), [({}, "required"), ({"tags": []}, "empty"), ({"tags": {"merge": []}}, "empty")]
)
def test_create__no_row_where_one_is_needed__is_refused(
    send: Any, zoo: dict[str, Any], viewset: Any, sent: dict[str, Any], code: str
) -> None:
    """However it is said, and by the code of a field that is not nested."""
    answer = send(viewset, "post", [new(zoo, "Cleo", **sent)])
    faults = [(each["pointer"], each["code"]) for each in answer.data["errors"]]
    assert (answer.status_code, faults) == (400, [("/0/tags", code)])


@pytest.mark.parametrize("viewset", [WordyViewSet, OwnViewSet])
def test_create__row_where_one_is_needed__is_made(send: Any, zoo: dict[str, Any], viewset: Any) -> None:
    """Nested rows stand for the field, which is not missing then."""
    answer = send(viewset, "post", new(zoo, "Cleo", tags=[{"label": "new"}]))
    assert (answer.status_code, words(Animal.objects.get(name="Cleo"))) == (201, ["new"])


@pytest.mark.parametrize(
    "wish",
    [
        lambda zoo: {"unlink": ids(zoo, "old", "tame")},
        lambda zoo: {"unlink": ids(zoo, "old"), "delete": ids(zoo, "tame")},
        lambda _: {"replace": []},
    ],
    ids=["unlink", "delete", "replace"],
)
def test_patch__last_row_where_one_is_needed__stays(send: Any, zoo: dict[str, Any], wish: Any) -> None:
    """It can be exchanged, but not let go."""
    answer = send(WordyViewSet, "patch", {"tags": wish(zoo)}, zoo["anna"].pk)
    assert (answer.status_code, words(zoo["anna"])) == (400, ["old", "tame"])


def test_patch__row_where_one_is_needed__is_exchanged(send: Any, zoo: dict[str, Any]) -> None:
    """What counts is what is linked afterwards."""
    wish = {"link": ids(zoo, "rare"), "unlink": ids(zoo, "old", "tame")}
    answer = send(WordyViewSet, "patch", {"tags": wish}, zoo["anna"].pk)
    assert (answer.status_code, words(zoo["anna"])) == (200, ["rare"])


def test_create__child_that_is_read_by_itself__knows_its_parent(send: Any, in_alpha: Any) -> None:
    """The key that follows from where it stands is not missing."""
    sent = {"name": "Home", "animals": [{"name": "Fay!", "tags": [{"label": "x"}]}]}
    answer = send(HomeViewSet, "post", sent)
    assert (answer.status_code, Animal.objects.get().name) == (201, "Fay")
