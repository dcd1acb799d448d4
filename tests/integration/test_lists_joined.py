"""Filters, cursors, files, tags and the past together, as one request may ask for them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Specimen, Study

SPECIMENS = "/api/v1/specimens/"


def asked(**parts: Any) -> dict[str, str]:
    """The parameter that says it."""
    return {"filter": json.dumps(parts)}


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha, where five specimens belong to two studies."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        one, other = Study.objects.create(code="A"), Study.objects.create(code="B")
        for number in range(5):
            study = one if number % 2 else other
            Specimen.objects.create(study=study, number=number, individual="N", species="Adelie")
    return api_of(ana, alpha)


def walked(api: Any, path: str, **query: Any) -> list[Any]:
    """All rows, page by page."""
    page = api.get(path, **query).json()
    found = list(page["results"])
    while page["next"] is not None:
        page = api.get(page["next"]).json()
        found += page["results"]
    return found


def test_pages__with_related_rows__go_on_with_them(api: Any) -> None:
    """Every page embeds what the first one did."""
    rows = walked(api, SPECIMENS, **asked(include=["study"], order="number", limit=2))
    assert [row["study"]["code"] for row in rows] == ["B", "A", "B", "A", "B"]


def test_pages__in_brackets__go_on_as_json(api: Any) -> None:
    """The links carry the same filter, in its other form."""
    query = {"filter[where][study.code]": "B", "filter[order]": "number DESC", "filter[limit]": "1"}
    assert [row["number"] for row in walked(api, SPECIMENS, **query)] == [4, 2, 0]


def test_find__pages__go_on_at_the_list(api: Any) -> None:
    """What was asked in a body is asked on in the address."""
    first = api.post(f"{SPECIMENS}find/", {"order": "number", "limit": 3}).json()
    rest = api.get(first["next"]).json()
    assert [row["number"] for row in (*first["results"], *rest["results"])] == [0, 1, 2, 3, 4]


def test_file__with_related_rows__holds_them_in_lines_of_json(api: Any) -> None:
    """Flat forms refuse what they have no place for."""
    lines = b"".join(api.get(SPECIMENS, format="ndjson", **asked(include=["study"])).streaming_content)
    assert {json.loads(line)["study"]["code"] for line in lines.splitlines()} == {"A", "B"}
    refused = api.get(SPECIMENS, format="csv", **asked(include=["study"]))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/include")


def test_file__limit_beyond_a_page__is_not_clamped(api: Any, settings: Any) -> None:
    """A page's size says nothing about files."""
    settings.SMARTMODELS_PAGE_SIZE_MAX = 2
    lines = b"".join(api.get(SPECIMENS, format="ndjson", **asked(limit=4)).streaming_content).splitlines()
    assert (len(lines), len(api.get(SPECIMENS, **asked(limit=4)).json()["results"])) == (4, 2)


def test_row__parts_of_it__have_tags_that_hold_for_writes(api: Any) -> None:
    """Whoever read a part may write by its tag; another part is another answer."""
    row = api.get(SPECIMENS).json()["results"][0]
    address = f"{SPECIMENS}{row['id']}/"
    whole, part = api.get(address), api.get(address, **asked(fields=["number"]))
    assert whole.headers["ETag"] != part.headers["ETag"]
    known = {"if-none-match": part.headers["ETag"]}
    assert api.get(address, headers=known, **asked(fields=["number"])).status_code == 304
    assert api.get(address, headers=known).status_code == 200
    written = api.patch(address, {"stage": "x"}, **{"if-match": part.headers["ETag"]})
    again = api.patch(address, {"stage": "y"}, **{"if-match": part.headers["ETag"]})
    assert (written.status_code, again.status_code) == (200, 412)


@pytest.mark.parametrize("where", [{}, {"study.code": "A"}])
def test_past__with_related_rows__shows_those_of_then(
    api: Any, alpha: Any, ana: Any, where: dict[str, Any]
) -> None:
    """Relations are followed in the past as well."""
    then = timezone.now().isoformat()
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.objects.filter(code="A").update(code="Z")
    query = asked(where=where, include=["study"], order="number", limit=2)
    rows = walked(api, SPECIMENS, as_of=then, **query)
    assert {row["study"]["code"] for row in rows} == ({"A"} if where else {"A", "B"})


def test_past__rows_below__are_those_of_then(api: Any, alpha: Any, ana: Any) -> None:
    """From parent to children, too."""
    then = timezone.now().isoformat()
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Specimen.objects.all().delete()
    rows = walked(api, "/api/v1/studies/", as_of=then, **asked(include=["specimens"], order="code"))
    assert [len(row["specimens"]) for row in rows] == [2, 3]
