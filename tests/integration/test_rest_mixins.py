"""Viewsets made of mixins: own rows, the namespace's rows, rows to read; and endpoints that go away."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.rest import Deprecation
from smartmodels.rest.documents import openapi_document
from smartmodels.sharing import accept, share
from tenant_apps.research.models import Study
from tests.support.rest_mixins import SINCE, SUNSET

Client = Callable[..., Any]
URLCONF = "tests.support.rest_mixins"


@pytest.fixture(autouse=True)
def _served() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=URLCONF):
        yield


def made_by(user: Any, namespace: Any, code: str) -> Study:
    """A study of the user in the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        row: Study = Study.objects.create(code=code)
    return row


@pytest.fixture
def studies(alpha: Any, beta: Any, ana: Any, ben: Any, bea: Any) -> dict[str, Study]:
    """One of ana and one of ben in alpha; and one of bea in beta, shared with alpha."""
    rows = {"ana": made_by(ana, alpha, "ANA"), "ben": made_by(ben, alpha, "BEN")}
    rows["shared"] = made_by(bea, beta, "BEA")
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        grant = share(rows["shared"], alpha)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        accept(grant)
    return rows


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("half", {"ANA", "BEN", "BEA"}),
        ("mine", {"BEN"}),
        ("ours", {"ANA", "BEN"}),
        ("look", {"ANA", "BEN", "BEA"}),
        ("look-at-mine", {"BEN"}),
    ],
)
def test_list__of_a_mixin__has_these_rows(
    api_of: Client, ben: Any, alpha: Any, studies: Any, path: str, seen: set[str]
) -> None:
    """Ben asks: his own, the namespace's, or what is visible here."""
    rows = api_of(ben, alpha).get(f"/api/v1/{path}/").json()["results"]
    assert {row["code"] for row in rows} == seen


@pytest.mark.parametrize("path", ["mine", "look-at-mine"])
@pytest.mark.parametrize("row", ["ana", "shared"])
def test_own_rows__row_of_somebody_else__is_not_found(
    api_of: Client, ben: Any, alpha: Any, studies: Any, path: str, row: str
) -> None:
    """Nor is its history."""
    address = f"/api/v1/{path}/{studies[row].pk}/"
    found = [api_of(ben, alpha).get(address + page).status_code for page in ("", "history/")]
    assert found == [404, 404]


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_own_rows__write_to_a_row_of_somebody_else__is_not_found(
    api_of: Client, ana: Any, alpha: Any, studies: Any, method: str
) -> None:
    """Not even for the owner of the namespace."""
    answer = getattr(api_of(ana, alpha), method)(f"/api/v1/mine/{studies['ben'].pk}/", {"code": "X"})
    assert answer.status_code == 404


def test_own_rows__deleted__is_restored_by_whose_it_was(
    api_of: Client, ana: Any, ben: Any, alpha: Any, studies: Any
) -> None:
    """A deleted row is still its owner's, and nobody else's."""
    address = f"/api/v1/mine/{studies['ben'].pk}/"
    api_of(ben, alpha).delete(address)
    found = [api_of(who, alpha).post(f"{address}restore/").status_code for who in (ana, ben)]
    assert found == [404, 200]


@pytest.mark.parametrize(("who", "status"), [("ben", 200), ("vic", 403)])
def test_namespace_rows__row_of_somebody_else__is_changed_by_who_writes(
    api_of: Client, request: Any, alpha: Any, studies: Any, who: str, status: int
) -> None:
    """Members do, viewers do not."""
    client = api_of(request.getfixturevalue(who), alpha)
    assert client.patch(f"/api/v1/ours/{studies['ana'].pk}/", {"code": "X"}).status_code == status


def test_namespace_rows__scope__is_no_parameter(api_of: Client, ben: Any, alpha: Any, studies: Any) -> None:
    """There is nothing shared to choose."""
    assert api_of(ben, alpha).get("/api/v1/ours/", scope="shared").status_code == 400


@pytest.mark.parametrize("path", ["look", "look-at-mine"])
@pytest.mark.parametrize(
    ("method", "page"),
    [("post", ""), ("put", "{pk}/"), ("patch", "{pk}/"), ("delete", "{pk}/"), ("post", "{pk}/restore/"),
     ("post", "{pk}/revert/")],
)  # fmt: skip
def test_read_only__write__is_no_method_and_a_problem(
    api_of: Client, ben: Any, alpha: Any, studies: Any, path: str, method: str, page: str
) -> None:
    """Whatever is asked, nothing is written."""
    address = f"/api/v1/{path}/{page.format(pk=studies['ben'].pk)}"
    answer = getattr(api_of(ben, alpha), method)(address, {"code": "X"})
    kind = answer["Content-Type"]
    assert (answer.status_code, kind, answer.json()["code"]) == (
        405,
        "application/problem+json",
        "method-not-allowed",
    )


def test_read_only__in_the_document__has_no_write() -> None:
    """What is answered 405 is not described."""
    paths = openapi_document(URLCONF, "", "")["paths"]
    methods = {name for path, each in paths.items() if "/look" in path for name in each}
    assert methods == {"get"}


# Deprecation and sunset


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("old/", (f"@{int(SINCE.timestamp())}", "Sat, 02 Jan 2027 03:04:05 GMT")),
        ("half/gone/", (f"@{int(SINCE.timestamp())}", None)),
        ("half/", (None, None)),
    ],
)
def test_deprecated__answer__says_since_when_and_until_when(
    api_of: Client, ana: Any, alpha: Any, path: str, headers: Any
) -> None:
    """RFC 9745 and RFC 8594; an endpoint beside it says nothing."""
    answer = api_of(ana, alpha).get(f"/api/v1/{path}")
    assert (answer.get("Deprecation"), answer.get("Sunset")) == headers


def test_deprecated__refusal__says_so_as_well(api_of: Client, ana: Any, alpha: Any) -> None:
    """Whoever calls it wrongly learns it, too; and where to read on."""
    answer = api_of(ana, alpha).post("/api/v1/old/", {})
    link = '</docs/studies/>; rel="deprecation"; type="text/html"'
    assert (answer.status_code, answer["Link"], "Deprecation" in answer) == (400, link, True)


def test_deprecated__in_the_document__is_marked() -> None:
    """Programs that are made from it warn."""
    paths = openapi_document(URLCONF, "", "")["paths"]
    marked = {path for path, each in paths.items() if each.get("get", {}).get("deprecated")}
    assert {path.split("/")[3] for path in marked} == {"old", "half"}
    assert "/api/v1/half/" not in marked


@pytest.mark.parametrize(
    "wrong",
    [{"since": SINCE.replace(tzinfo=None)}, {"since": SUNSET, "sunset": SINCE},
     {"since": SINCE, "link": "/a>; rel=x"}],
)  # fmt: skip
def test_deprecation__that_makes_no_sense__is_refused(wrong: Any) -> None:
    """At start, not in an answer."""
    with pytest.raises(ImproperlyConfigured):
        Deprecation(**wrong)
