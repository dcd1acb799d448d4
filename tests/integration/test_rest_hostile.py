"""What a hostile tenant tries: narrow keys on wide roads, numbers that are none, odd times and files."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.rest.bulk.idempotency import _is_kept
from smartmodels.rest.bulk.lines import CHUNK_BYTES, chunks_of
from smartmodels.rest.documents import openapi_document
from tenant_apps.research.models import Specimen, Study
from tests.shop.models import Item
from tests.support.bulk import STUDIES
from tests.support.clients import ApiClient
from tests.support.keys import make, program

ITEMS = "/api/v1/items/"


@pytest.fixture
def api(api_of: Callable[..., ApiClient], ana: Any, alpha: Any) -> ApiClient:
    return api_of(ana, alpha)


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of ana's with a specimen."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        study = Study.objects.create(code="A", island="Dream")
        Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    return study


def robot(alpha: Any, ana: Any, *scopes: str) -> Any:
    """A program with a key of these scopes and a role that manages."""
    return program(alpha, make(alpha, ana, scopes, role="admin")[1])


def send(client: Any, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return client.generic(
        method.upper(), path, json.dumps(body), content_type="application/json", headers=headers
    )


# Scopes


@pytest.mark.parametrize("in_bulk", [False, True])
def test_deletion__by_a_narrow_key__takes_no_rows_of_closed_lists_along(
    alpha: Any, ana: Any, study: Study, in_bulk: bool
) -> None:
    """Who may not delete specimens does not do so by way of their study."""
    key = robot(alpha, ana, "studies:write")
    address, body = (STUDIES, [str(study.pk)]) if in_bulk else (f"{STUDIES}{study.pk}/", None)
    answer = send(key, "delete", address, body)
    with namespace_scope(alpha):
        left = Specimen.objects.count()
    assert (answer.status_code, answer.json()["code"], left) == (403, "insufficient-scope", 1)


def test_deletion__by_a_key_wide_enough__takes_rows_along(alpha: Any, ana: Any, study: Study) -> None:
    """Every list that is touched has to be open, and no other."""
    key = robot(alpha, ana, "studies:write", "specimens:write")
    assert send(key, "delete", f"{STUDIES}{study.pk}/").status_code == 204


@pytest.mark.parametrize("way", ["restore", "restore in bulk", "revert"])
def test_return__by_a_narrow_key__brings_no_rows_of_closed_lists_back(
    alpha: Any, ana: Any, api: ApiClient, study: Study, way: str
) -> None:
    """The way back is as narrow as the way there."""
    version = api.get(f"{STUDIES}{study.pk}/history/").json()["results"][0]["version"]
    api.delete(f"{STUDIES}{study.pk}/")
    address, body = {
        "restore": (f"{STUDIES}{study.pk}/restore/", {}),
        "restore in bulk": (f"{STUDIES}restore/", [str(study.pk)]),
        "revert": (f"{STUDIES}{study.pk}/revert/", {"version": version}),
    }[way]
    answer = send(robot(alpha, ana, "studies:write"), "post", address, body)
    with namespace_scope(alpha):
        back = Specimen.objects.count()
    assert (answer.status_code, back) == (403, 0)


def test_operations__with_a_key_that_reads__are_read(alpha: Any, ana: Any, study: Study) -> None:
    """Reading takes a scope that reads, and shows rows of the lists that are open."""
    key = robot(alpha, ana, "operations:read", "studies:read")
    rows = key.get("/api/v1/operations/").json()["results"][0]["rows"]
    assert rows == {"research.study": 1}


@pytest.mark.parametrize("resources", [[], ["studies", "specimens"]])
def test_webhook__made_by_a_narrow_key__tells_nothing_of_closed_lists(
    alpha: Any, ana: Any, resources: list[str]
) -> None:
    """What is sent is what the key could read itself."""
    body = {"url": "https://example.org/", "resources": resources}
    key = robot(alpha, ana, "webhooks:write", "studies:read")
    assert send(key, "post", "/api/v1/webhooks/", body).status_code == 403


def test_webhook__of_somebody_with_more_scopes__is_not_led_elsewhere(
    alpha: Any, ana: Any, api: ApiClient
) -> None:
    """A narrow key neither redirects it nor reads what it sent nor gets its secret."""
    hook = api.post("/api/v1/webhooks/", {"url": "https://example.org/"}).json()["id"]
    key, address = robot(alpha, ana, "webhooks:write", "studies:read"), f"/api/v1/webhooks/{hook}/"
    tried = [
        send(key, "patch", address, {"url": "https://example.com/"}),
        send(key, "patch", address, {"resources": ["studies"]}),
        send(key, "post", f"{address}rotate/"),
        key.get(f"{address}deliveries/"),
    ]
    assert {answer.status_code for answer in tried} == {403}


def test_webhook__of_open_lists_alone__is_a_programs_to_make(alpha: Any, ana: Any) -> None:
    """A key that reads studies may have changes of studies sent."""
    body = {"url": "https://example.org/", "resources": ["studies"]}
    key = robot(alpha, ana, "webhooks:write", "studies:read")
    assert send(key, "post", "/api/v1/webhooks/", body).status_code == 201


def test_grant__made_by_a_narrow_key__gives_nothing_of_closed_lists_away(
    alpha: Any, beta: Any, ana: Any, study: Study
) -> None:
    """Who may not read studies cannot share them; who may only read them gives no right to write."""
    asked = {"resource_type": "research.study", "resource_id": str(study.pk), "namespace": "beta"}
    blind, reader = robot(alpha, ana, "grants:manage"), robot(alpha, ana, "grants:manage", "studies:read")
    answers = [
        send(blind, "post", "/api/v1/grants/", asked),
        send(reader, "post", "/api/v1/grants/", {**asked, "role": "edit"}),
        send(reader, "post", "/api/v1/grants/", asked),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 201]


def test_activities__of_a_row_with_a_narrow_key__are_closed(alpha: Any, ana: Any, study: Study) -> None:
    """Their counts are of another list."""
    assert robot(alpha, ana, "studies:read").get(f"{STUDIES}{study.pk}/activities/").status_code == 403


# Rehearsals and conditions


def _rehearsals(study: Study) -> dict[str, tuple[str, str, Any]]:
    one, animals = f"{STUDIES}{study.pk}/", [{"number": 2, "individual": "N2", "species": "Adelie"}]
    return {
        "create": ("post", STUDIES, {"code": "B"}),
        "create a tree": ("post", STUDIES, {"code": "B", "specimens": animals}),
        "change": ("patch", one, {"code": "B"}),
        "change a tree": ("patch", one, {"code": "B", "specimens": animals}),
        "delete": ("delete", one, None),
    }


@pytest.mark.parametrize("way", ["create", "create a tree", "change", "change a tree", "delete"])
def test_rehearsal__of_one_row__writes_nothing(api: ApiClient, alpha: Any, study: Study, way: str) -> None:
    """As of many: who asks for a rehearsal does not find the row changed, and is told."""
    method, address, body = _rehearsals(study)[way]
    answer = getattr(api, method)(address, body, prefer="tx=rollback")
    with namespace_scope(alpha):
        left = (list(Study.objects.values_list("code", flat=True)), Specimen.objects.count())
        versions = Study.history.count()
    assert (answer.status_code < 300, answer["Preference-Applied"], left, versions) == (
        True, "tx=rollback", (["A"], 1), 1,
    )  # fmt: skip


def test_rehearsal__of_a_tree__shows_what_it_would_be(api: ApiClient) -> None:
    """The nested rows, too."""
    animals = [{"number": 2, "individual": "N2", "species": "Adelie"}]
    answer = api.post(STUDIES, {"code": "B", "specimens": animals}, prefer="tx=rollback").json()
    assert [row["individual"] for row in answer["specimens"]] == ["N2"]


def test_rehearsal__of_an_import__writes_nothing(api: ApiClient, alpha: Any) -> None:
    """Nor is the import under way afterwards."""
    answer = api.send_lines(f"{STUDIES}import/", b'{"code": "B"}', prefer="tx=rollback")
    again = api.get(f"{STUDIES}import/", **{"import": answer.json()["import"]}).json()
    with namespace_scope(alpha):
        assert (answer["Preference-Applied"], again["chunks"], Study.objects.count()) == (
            "tx=rollback",
            [],
            0,
        )


@pytest.mark.parametrize("method", ["patch", "put", "delete"])
def test_condition__on_many_rows__is_refused(api: ApiClient, study: Study, method: str) -> None:
    """A tag is about one row: ignoring it would overwrite what somebody else has changed."""
    body: Any = [str(study.pk)] if method == "delete" else [{"id": str(study.pk), "code": "B"}]
    assert getattr(api, method)(STUDIES, body, **{"if-match": '"old"'}).status_code == 400


@pytest.mark.parametrize("method", ["patch", "put", "delete"])
def test_condition__needed_by_the_site__is_not_gone_round_by_many(
    api: ApiClient, study: Study, settings: Any, method: str
) -> None:
    """An array is no way to overwrite unseen."""
    settings.SMARTMODELS_REQUIRE_IF_MATCH = True
    body: Any = [str(study.pk)] if method == "delete" else [{"id": str(study.pk), "code": "B"}]
    assert getattr(api, method)(STUDIES, body).status_code == 428


@pytest.mark.parametrize(("action", "body"), [("restore", {}), ("revert", {"version": 1})])
def test_condition__on_the_way_back__is_kept(
    api: ApiClient, study: Study, action: str, body: dict[str, Any]
) -> None:
    """Restoring and reverting go by the state that was seen, if one is named."""
    answer = api.post(f"{STUDIES}{study.pk}/{action}/", body, **{"if-match": '"old"'})
    assert answer.status_code == 412


# Idempotency


def test_idempotency_key__of_two_programs_of_one_maker__are_two(alpha: Any, ana: Any) -> None:
    """Neither is given the other's answer."""
    bodies = ({"code": "A", "island": "x"}, {"code": "B", "island": "x"})
    keys = (
        robot(alpha, ana, "studies:write"),
        program(alpha, make(alpha, ana, ["studies:write"], name="other")[1]),
    )
    answers = [
        send(key, "post", STUDIES, body, **{"idempotency-key": "1"})
        for key, body in zip(keys, bodies, strict=True)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]


def test_idempotency_key__answer_to_try_again__is_not_kept() -> None:
    """A conflict that passes, such as a deadlock, does not stick to the key for a day."""
    final, passing = HttpResponse(status=409), HttpResponse(status=409, headers={"Retry-After": "1"})
    assert (_is_kept(final), _is_kept(passing)) == (True, False)


# Numbers and times


@pytest.fixture
def odd(alpha: Any, ana: Any) -> list[Any]:
    """Items whose prices are no numbers, as raw SQL or a computation may leave them."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        prices = ("nan", "inf", "-inf", "1.5")
        return [
            Item.objects.create(number=number, sku="x", rating=1, price=float(price))
            for number, price in enumerate(prices)
        ]


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_list__of_prices_that_are_no_numbers__shows_null(api: ApiClient, odd: list[Any], form: str) -> None:
    """JSON has no word for them."""
    answer = api.get(ITEMS, format=form)
    text = answer.getvalue().decode()
    rows = json.loads(text)["results"] if form == "json" else [json.loads(line) for line in text.splitlines()]
    assert [row["price"] for row in rows] == [None, None, None, 1.5]


@pytest.mark.parametrize("path", ["", "history/", "diff/"])
def test_row__with_a_price_that_is_no_number__is_read(api: ApiClient, odd: list[Any], path: str) -> None:
    """Wherever its values show."""
    assert api.get(f"{ITEMS}{odd[0].pk}/{path}").status_code == 200


def test_operation__with_a_price_that_is_no_number__is_read(api: ApiClient, odd: list[Any]) -> None:
    """Old and new values are told."""
    newest = api.get("/api/v1/operations/").json()["results"][0]["id"]
    assert api.get(f"/api/v1/operations/{newest}/").status_code == 200


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_file__of_prices_that_are_no_numbers__is_written(api: ApiClient, odd: list[Any], form: str) -> None:
    """Also a workbook, which knows no such number either."""
    answer = api.get(ITEMS, format=form)
    content = answer.getvalue()
    assert answer.status_code == 200
    if form == "xlsx":
        assert b"nan" in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("moment", ["2020-08-11T19:28:01-20:54", "0422-08-11T19:28:01+23:59"])
def test_as_of__offset_that_postgresql_does_not_know__is_understood(api: ApiClient, moment: str) -> None:
    """RFC 3339 allows offsets up to 23:59."""
    assert api.get(STUDIES, as_of=moment).status_code == 200


# Files


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_csv__text_that_looks_like_a_formula__is_none(
    api: ApiClient, alpha: Any, ana: Any, start: str
) -> None:
    """Full-width signs and line ends, too."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.objects.create(code="A", notes=f"{start}1+1")
    lines = api.get(STUDIES, format="csv", filter='{"fields":["notes"]}').getvalue().decode()
    assert f"'{start}1+1" in lines


def test_import__lines_of_a_megabyte__are_few_at_a_time() -> None:
    """What is in memory is bounded by bytes, not by lines alone."""
    line = b'"' + b"x" * 1_000_000 + b'"\n'
    chunks = [(chunk.first, len(chunk.lines)) for chunk in chunks_of(io.BytesIO(line * 12))]
    most = CHUNK_BYTES // len(line) + 1
    assert chunks == [(1, most), (most + 1, most), (2 * most + 1, 12 - 2 * most)]


def test_import__thousands_of_mistakes__tells_the_first_thousand(api: ApiClient) -> None:
    """And how many there are; so a report has a bound, however long the file."""
    report = api.send_lines(f"{STUDIES}import/", b"[]\n" * 2_500, prefer="handling=lenient").json()
    told = sum(len(chunk["errors"]) for chunk in report["chunks"])
    again = api.get(f"{STUDIES}import/", **{"import": report["import"]}).json()
    assert (report["failed"], told, again["chunks"]) == (2_500, 1_000, report["chunks"])


# The document


def described(method: str, path: str) -> Any:
    return openapi_document("config.urls_namespace", "Namespace API", "")["paths"][path][method]


def test_document__of_a_search__describes_the_filter() -> None:
    """Not a row: a typed client could not search."""
    content = described("post", f"{STUDIES}find/")["requestBody"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/StudyFilter"}


def test_document__of_the_first_row__says_that_there_may_be_none() -> None:
    """404 is an answer of findOne."""
    assert "404" in described("get", f"{STUDIES}findOne/")["responses"]


def test_document__of_an_imports_report__needs_its_id() -> None:
    """Without one the answer is 400."""
    (parameter,) = [
        each for each in described("get", f"{STUDIES}import/")["parameters"] if each["in"] == "query"
    ]
    assert (parameter["name"], parameter["required"]) == ("import", True)
