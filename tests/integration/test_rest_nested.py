"""A study with its specimens and their observations in one request: all or nothing, and nobody else's."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import history_model
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.bulk import NOBODY, STUDIES
from tests.support.clients import ApiClient


@pytest.fixture
def api(api_of: Callable[..., ApiClient], ana: Any, alpha: Any) -> ApiClient:
    return api_of(ana, alpha)


def animal(number: int, **more: Any) -> dict[str, Any]:
    return {"number": number, "individual": f"N{number}", "species": "Adelie", **more}


@pytest.fixture
def study(api: ApiClient) -> dict[str, Any]:
    """A study of ana with two specimens."""
    answer = api.post(STUDIES, {"code": "A", "specimens": [animal(1), animal(2)]})
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


@pytest.fixture
def other(api: ApiClient) -> dict[str, Any]:
    """Another one, with a specimen."""
    return dict(api.post(STUDIES, {"code": "B", "specimens": [animal(7)]}).json())


def address(row: dict[str, Any]) -> str:
    return f"{STUDIES}{row['id']}/"


def marks(answer: Any) -> list[str]:
    """The marks of the animals in the answer."""
    assert answer.status_code in (200, 201), answer.content
    return sorted(row["individual"] for row in answer.json()["specimens"])


def faults(answer: Any) -> list[tuple[str, str]]:
    return sorted((each["pointer"], each["code"]) for each in answer.json()["errors"])


def everything(alpha: Any) -> list[Any]:
    """What the namespace holds."""
    with namespace_scope(alpha):
        return [list(model.all_objects.order_by("pk").values()) for model in (Study, Specimen, Observation)]


def test_create__three_levels__makes_them_all(api: ApiClient, alpha: Any) -> None:
    """Each row points at the one it stands in."""
    tree = {"code": "A", "specimens": [animal(1, observations=[{"body_mass_g": 4000}, {}]), animal(2)]}
    shown = api.post(STUDIES, tree).json()["specimens"]
    assert [len(each.get("observations", [])) for each in shown] == [2, 0]


def test_create__mistakes_on_every_level__tells_all_of_them(api: ApiClient, alpha: Any) -> None:
    """With pointers into the tree, and nothing is written."""
    wrong = animal(2, observations=[{}, {"body_mass_g": -1}])
    answer = api.post(STUDIES, {"code": "x" * 30, "specimens": [animal(1, nonsense=1), wrong, 7, animal(2)]})
    assert (answer.status_code, faults(answer), everything(alpha)) == (
        400,
        [
            ("/code", "max-length"),
            ("/specimens/0/nonsense", "unknown-field"),
            ("/specimens/1/observations/1/body_mass_g", "min-value"),
            ("/specimens/2", "invalid"),
        ],
        [[], [], []],
    )


def test_create__value_twice_among_siblings__is_refused(api: ApiClient, alpha: Any) -> None:
    """What must be unique is, also among rows that come together."""
    answer = api.post(STUDIES, {"code": "A", "specimens": [animal(1), animal(1)]})
    assert {pointer for pointer, _ in faults(answer)} == {
        "/specimens/1/number", "/specimens/1/species", "/specimens/1/study"
    }  # fmt: skip


def test_patch__array__merges(api: ApiClient, study: dict[str, Any]) -> None:
    """Rows that are not named stay; a natural key finds those that are there."""
    sent = [animal(2, individual="X"), animal(3)]
    assert marks(api.patch(address(study), {"specimens": sent})) == ["N1", "N3", "X"]


def test_put__array__replaces(api: ApiClient, alpha: Any, study: dict[str, Any]) -> None:
    """Rows that are not named are deleted softly."""
    keep = {"id": study["specimens"][0]["id"]}
    answer = api.put(address(study), {"code": "A", "specimens": [keep, animal(3)]})
    with namespace_scope(alpha):
        assert (marks(answer), Specimen.deleted_objects.count()) == (["N1", "N3"], 1)


def test_patch__every_verb__does_it(api: ApiClient, study: dict[str, Any]) -> None:
    """The object says what is to be done with which row."""
    first, second = (row["id"] for row in study["specimens"])
    verbs = {
        "create": [animal(2, individual="New")],
        "update": [{"id": first, "individual": "X"}],
        "delete": [second],
    }
    assert marks(api.patch(address(study), {"specimens": verbs})) == ["New", "X"]


def test_patch__replace_by_name__empties(api: ApiClient, study: dict[str, Any]) -> None:
    """An empty array of what is to be there."""
    assert marks(api.patch(address(study), {"specimens": {"replace": []}})) == []


@pytest.mark.parametrize(
    "wish",
    [
        lambda key: [{"id": key, "individual": "X"}],
        lambda key: {"update": [{"id": key, "individual": "X"}]},
        lambda key: {"delete": [key]},
        lambda key: {"link": [key]},
        lambda key: {"unlink": [key]},
        lambda key: {"replace": [{"id": key}]},
    ],
    ids=["merge", "update", "delete", "link", "unlink", "replace"],
)
def test_patch__row_of_another_parent__is_refused(
    api: ApiClient, alpha: Any, study: dict[str, Any], other: dict[str, Any], wish: Callable[[str], Any]
) -> None:
    """It is neither changed nor taken away."""
    before = everything(alpha)
    answer = api.patch(address(study), {"specimens": wish(other["specimens"][0]["id"])})
    codes = {code for _, code in faults(answer)}
    assert (answer.status_code, codes, everything(alpha)) == (400, {"does-not-exist"}, before)


def test_create__row_of_another_parent__is_refused(api: ApiClient, alpha: Any, other: dict[str, Any]) -> None:
    """A new parent has no rows yet."""
    before = everything(alpha)
    answer = api.post(STUDIES, {"code": "C", "specimens": other["specimens"]})
    assert (answer.status_code, everything(alpha)) == (400, before)


def test_patch__grandchild_of_another_parent__is_refused(
    api: ApiClient, study: dict[str, Any], other: dict[str, Any]
) -> None:
    """On every level."""
    theirs = other["specimens"][0]["id"]
    made = api.post("/api/v1/observations/", {"specimen": theirs}).json()["id"]
    sent = {"id": study["specimens"][0]["id"], "observations": [{"id": made}]}
    answer = api.patch(address(study), {"specimens": [sent]})
    assert faults(answer) == [("/specimens/0/observations/0/id", "does-not-exist")]


@pytest.mark.parametrize("key", [NOBODY, "x", 7, None])
def test_patch__key_that_names_nothing__is_refused(api: ApiClient, study: dict[str, Any], key: Any) -> None:
    """Whatever it looks like."""
    assert api.patch(address(study), {"specimens": [{"id": key}]}).status_code == 400


@pytest.mark.parametrize(
    "given",
    [
        None,
        7,
        "x",
        {},
        {"remove": []},
        {"create": 7},
        {"create": [{"id": NOBODY}]},
        {"link": [{}]},
        {"unlink": [{"number": 1}]},
        {"delete": [[]]},
    ],
)
def test_patch__nested_value_makes_no_sense__is_refused(
    api: ApiClient, study: dict[str, Any], given: Any
) -> None:
    """A 400, never a 500."""
    assert api.patch(address(study), {"specimens": given}).status_code == 400


def test_patch__row_of_somebody_else__is_refused(
    api_of: Callable[..., ApiClient], alpha: Any, ben: Any, study: dict[str, Any]
) -> None:
    """The rights of the nested rows are those at their own address."""
    mine = api_of(ben, alpha).post(STUDIES, {"code": "M"}).json()
    with namespace_scope(alpha), operation(actor=Actor.system("tests")):
        Specimen.objects.filter(pk=study["specimens"][0]["id"]).update(study_id=mine["id"])
    sent = {"specimens": [{"id": study["specimens"][0]["id"], "individual": "X"}]}
    answer = api_of(ben, alpha).patch(address(mine), sent)
    assert (answer.status_code, faults(answer)) == (403, [("/specimens/0", "permission-denied")])


def test_patch__other_parent_named_within__is_refused(
    api: ApiClient, study: dict[str, Any], other: dict[str, Any]
) -> None:
    """Where a row stands says whose it is."""
    answer = api.patch(address(study), {"specimens": [animal(3, study=other["id"])]})
    assert faults(answer) == [("/specimens/0/study", "read-only-field")]


def test_create__1001_nested_rows__is_too_large(api: ApiClient) -> None:
    """413, and nothing is read."""
    sent = {"code": "A", "specimens": [animal(n) for n in range(1001)]}
    assert api.post(STUDIES, sent).status_code == 413


def test_create__many_rows_on_three_levels__takes_few_statements(api: ApiClient, alpha: Any) -> None:
    """As many as there are levels, not rows; every row has a version."""
    tree = {"code": "A", "specimens": [animal(n, observations=[{}, {}]) for n in range(200)]}
    with CaptureQueriesContext(connection) as queries:
        api.post(STUDIES, tree)
    with namespace_scope(alpha):
        versions = history_model(Specimen).objects.count() + history_model(Observation).objects.count()
    assert (versions, len(queries) <= 20) == (600, True)


def test_array__of_trees__writes_all_of_them(api: ApiClient, alpha: Any) -> None:
    """Several parents at once, each with its own."""
    trees = [{"code": f"T{n}", "specimens": [animal(1), animal(2)]} for n in range(3)]
    shown = api.post(STUDIES, trees).json()
    assert [len(row["specimens"]) for row in shown] == [2, 2, 2]


def test_array__of_trees_with_an_unknown_parent__is_refused(api: ApiClient, study: dict[str, Any]) -> None:
    """By index, with what is wrong below."""
    sent = [{"id": NOBODY, "specimens": [animal(1, nonsense=1), {"id": study["specimens"][0]["id"]}]}]
    assert faults(api.patch(STUDIES, sent)) == [
        ("/0/id", "not-found"),
        ("/0/specimens/0/nonsense", "unknown-field"),
        ("/0/specimens/1/id", "does-not-exist"),
    ]


def test_array__lenient__writes_whole_trees(api: ApiClient, alpha: Any) -> None:
    """207: a study whose specimen is refused is not made, the others are with theirs."""
    trees = [
        {"code": f"T{n}", "specimens": [animal(1, individual="N" * (1 + 300 * (n == 1)))]} for n in range(3)
    ]
    answer = api.post(STUDIES, trees, prefer="handling=lenient")
    told = [
        (row["status"], len(row.get("row", row).get("specimens", ()))) for row in answer.json()["results"]
    ]
    with namespace_scope(alpha):
        there = (Study.objects.count(), Specimen.objects.count())
    assert (answer.status_code, told, there) == (207, [(201, 1), (400, 0), (201, 1)], (2, 2))


def test_array__lenient_with_many_trees__takes_few_statements(api: ApiClient, alpha: Any) -> None:
    """Also when one of them is refused."""
    trees = [{"code": f"T{n}", "specimens": [animal(1), animal(2)]} for n in range(100)]
    trees[50]["specimens"] = [7]
    with CaptureQueriesContext(connection) as queries:
        answer = api.post(STUDIES, trees, prefer="handling=lenient")
    assert (answer.json()["succeeded"], len(queries) <= 30) == (99, True), len(queries)


def test_import__lines_with_nested_rows__makes_them(api: ApiClient, alpha: Any) -> None:
    """What is wrong below a line is told with the line."""
    lines = [{"code": f"T{n}", "specimens": [animal(m) for m in range(300)]} for n in range(4)]
    lines[2]["specimens"] = [animal(1), animal(1, nonsense=1)]
    content = "\n".join(map(json.dumps, lines)).encode()
    answer = api.send_lines(f"{STUDIES}import/", content, prefer="handling=lenient")
    [chunk] = answer.json()["chunks"]
    with namespace_scope(alpha):
        there = (Study.objects.count(), Specimen.objects.count())
    places = {(each["line"], each["pointer"]) for each in chunk["errors"]}
    assert (there, places) == ((3, 900), {(3, "/3/specimens/1/nonsense")})
