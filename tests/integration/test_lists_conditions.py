"""ETags: nothing is sent twice, nothing is overwritten unseen, nothing is good for somebody else."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.rest import ResourceViewSet, derive_serializer
from smartmodels.rest.registry import registered
from tenant_apps.research.models import Study
from tests.support.sending import sender

STUDIES = "/api/v1/studies/"


@pytest.fixture
def study(alpha: Any, ana: Any) -> Any:
    """A study of ana's in alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        return Study.objects.create(code="A")


@pytest.fixture
def address(study: Any) -> str:
    return f"{STUDIES}{study.pk}/"


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any, study: Any) -> Any:
    return api_of(ana, alpha)


def answer(response: Any) -> tuple[int, bytes, str]:
    return response.status_code, response.content, response.headers["ETag"]


@pytest.mark.parametrize("which", ["list", "row"])
def test_read__known_already__is_not_sent_again(api: Any, address: str, which: str) -> None:
    """304, without a body, with the same tag."""
    path = STUDIES if which == "list" else address
    tag = api.get(path).headers["ETag"]
    assert answer(api.get(path, headers={"if-none-match": f'"x", {tag}'})) == (304, b"", tag)


@pytest.mark.parametrize("which", ["list", "row"])
def test_read__changed_since__is_sent(api: Any, address: str, which: str) -> None:
    """Every write changes the tag."""
    path = STUDIES if which == "list" else address
    tag = api.get(path).headers["ETag"]
    api.patch(address, {"title": "T"})
    assert api.get(path, headers={"if-none-match": tag}).status_code == 200


def test_tags__strong_of_a_row_weak_of_a_list__are_private(api: Any, address: str) -> None:
    """Whoever caches keeps the answers of people apart."""
    row, rows = api.get(address), api.get(STUDIES)
    assert (row.headers["ETag"][0], rows.headers["ETag"][:3]) == ('"', 'W/"')
    for each in (row, rows):
        assert each.headers["Cache-Control"] == "private, no-cache"
        assert {"Accept", "Authorization", "Cookie", "Prefer"} <= set(each.headers["Vary"].split(", "))


def test_tag__of_another_person__is_not_good(
    api: Any, api_of: Any, ben: Any, alpha: Any, address: str
) -> None:
    """Nobody learns from a tag what others were shown."""
    for path in (STUDIES, address):
        tag = api.get(path).headers["ETag"]
        assert api_of(ben, alpha).get(path, headers={"if-none-match": tag}).status_code == 200


def test_tag__of_another_namespace__is_not_good(api_of: Any, ben: Any, alpha: Any, beta: Any) -> None:
    """Two empty lists have two tags."""
    tag = api_of(ben, alpha).get(STUDIES).headers["ETag"]
    assert api_of(ben, beta).get(STUDIES, headers={"if-none-match": tag}).status_code == 200


class CountingSerializer(derive_serializer(Study, ("code", "title"))):  # type: ignore[misc]
    """Counts the rows that it shows."""

    shown: ClassVar[list[str]] = []

    def to_representation(self, instance: Any) -> Any:
        self.shown.append(instance.code)
        return super().to_representation(instance)


class CountedViewSet(ResourceViewSet):
    """Studies whose showing is counted."""

    model = Study
    serializer_class: Any = CountingSerializer


@pytest.fixture
def shown() -> list[str]:
    CountingSerializer.shown.clear()
    return CountingSerializer.shown


@pytest.mark.parametrize(
    "wish",
    [{}, {"fields": ["code"]}, {"include": ["specimens"]}, {"fields": ["id"], "include": ["specimens"]}],
)
def test_row__whatever_part_is_asked_for__is_shown_once(
    ana: Any, alpha: Any, study: Any, shown: list[str], wish: dict[str, Any]
) -> None:
    """Its tag and its answer are made of one rendering, not of one each."""
    answer = sender(ana, alpha)(CountedViewSet, "get", {"filter": json.dumps(wish)}, study.pk)
    assert (answer.status_code, "ETag" in answer.headers, shown) == (200, True, ["A"])


def test_row__known_already__is_shown_once(ana: Any, alpha: Any, study: Any, shown: list[str]) -> None:
    """No answer but the tag is needed then."""
    ask = sender(ana, alpha)
    tag = ask(CountedViewSet, "get", {}, study.pk).headers["ETag"]
    again = ask(CountedViewSet, "get", {}, study.pk, **{"If-None-Match": tag})
    assert (again.status_code, shown) == (304, ["A", "A"])


def test_change__of_what_was_read__is_made_and_has_a_new_tag(api: Any, address: str) -> None:
    """The answer of a write is the next state that is known."""
    first = api.get(address).headers["ETag"]
    second = api.patch(address, {"title": "T"}, **{"if-match": f'"x", {first}'}).headers["ETag"]
    assert api.get(address).headers["ETag"] == second != first
    assert api.put(address, {"code": "B"}, **{"if-match": second}).status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("header", ["if-match", "if-none-match"])
def test_change__of_what_has_changed__is_refused(api: Any, address: str, method: str, header: str) -> None:
    """412, and nothing is written."""
    tag = api.get(address).headers["ETag"]
    if header == "if-match":
        api.patch(address, {"title": "mine"})
    response = getattr(api, method)(address, {"code": "B"}, **{header: tag})
    assert (response.status_code, response.json()["code"]) == (412, "precondition-failed")
    assert api.get(address).json()["code"] == "A"


def test_change__of_whatever_is_there__is_made(api: Any, address: str) -> None:
    """A star holds for every row that exists."""
    assert api.patch(address, {"code": "B"}, **{"if-match": "*"}).status_code == 200


def test_change__weak_tag__does_not_match(api: Any, address: str) -> None:
    """Writes compare strongly (RFC 9110, 13.1.1)."""
    tag = api.get(address).headers["ETag"]
    assert api.patch(address, {"code": "B"}, **{"if-match": f"W/{tag}"}).status_code == 412


@pytest.mark.parametrize("given", ["abc", '"a', '"a" b', "", '"a";"b"'])
def test_change__no_tags__is_refused_by_name(api: Any, address: str, given: str) -> None:
    """What is no list of tags is a mistake, and no condition that happens to fail."""
    response = api.patch(address, {"code": "B"}, **{"if-match": given})
    assert (response.status_code, response.json()["errors"][0]["header"]) == (400, "If-Match")


def test_change__condition_needed_and_missing__is_refused(
    api: Any, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the viewset says so, nobody writes blindly."""
    monkeypatch.setattr(registered()["studies"], "requires_if_match", True, raising=False)
    for viewset in registered()["studies"].__mro__:
        if viewset.__name__ == "StudyViewSet":
            monkeypatch.setattr(viewset, "requires_if_match", True, raising=False)
    refused = api.patch(address, {"code": "B"})
    assert (refused.status_code, refused.json()["code"]) == (428, "precondition-required")
    assert api.patch(address, {"code": "B"}, **{"if-match": "*"}).status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_change__condition_needed_everywhere__is_refused(
    api: Any, address: str, settings: Any, method: str
) -> None:
    """Or where the settings say so."""
    settings.SMARTMODELS_REQUIRE_IF_MATCH = True
    assert getattr(api, method)(address, {"code": "B"}).status_code == 428
