"""What filters never do: reach hidden fields, deleted rows or other namespaces, stall, or ask without end."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.rest.filtering import collations
from tests.shop.models import Item, Owner, Review
from tests.support.shop import load

ITEMS, OWNERS, REVIEWS = "/api/v1/items/", "/api/v1/owners/", "/api/v1/reviews/"
BEFORE_THE_VIEW = 3  # routing (off in tests: see conftest), the token, the membership


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana in alpha, whose shop holds the dataset."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        load()
    return api_of(ana, alpha)


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def refused(answer: Any) -> tuple[int, str, str]:
    """Status, code and pointer."""
    body = answer.json()
    return answer.status_code, body["code"], body["errors"][0]["pointer"]


# What is not shown


@pytest.mark.parametrize(
    ("given", "code", "pointer"),
    [
        ({"where": {"secret": "x"}}, "unknown-property", "/where/secret"),
        ({"where": {"number": 1}}, "unknown-property", "/where/number"),
        ({"where": {"deleted_at": None}}, "unknown-property", "/where/deleted_at"),
        ({"where": {"owner.secret": {"like": "o%"}}}, "unknown-property", "/where/owner.secret/secret"),
        ({"where": {"reviews.secret": "x"}}, "unknown-property", "/where/reviews.secret/secret"),
        ({"where": {"reviews.item.secret": "x"}}, "unknown-property",
         "/where/reviews.item.secret/item.secret/secret"),
        ({"where": {"created_by.email": "x"}}, "unknown-property", "/where/created_by.email"),
        ({"where": {"history.secret": "x"}}, "unknown-property", "/where/history.secret"),
        ({"order": "secret"}, "unknown-property", "/order"),
        ({"order": "holder__secret"}, "unknown-property", "/order"),
        ({"fields": ["secret"]}, "unknown-property", "/fields"),
        ({"fields": {"secret": False}}, "unknown-property", "/fields"),
        ({"include": ["created_by"]}, "unknown-relation", "/include"),
        ({"include": [{"relation": "owner", "scope": {"fields": ["secret"]}}]}, "unknown-property",
         "/include/0/scope/fields"),
        ({"include": {"relation": "reviews", "scope": {"where": {"secret": 1}}}},
         "unknown-property", "/include/scope/where/secret"),
    ],
)  # fmt: skip
def test_filter__hidden_name__is_unknown(api: Any, given: Any, code: str, pointer: str) -> None:
    """What the serializer does not show can neither be searched nor ordered by, also over relations."""
    assert refused(api.search(ITEMS, **given)) == (400, code, pointer)


@pytest.mark.parametrize(
    ("given", "hidden"),
    [({"where": {"bogus": 1}}, "secret"), ({"order": "bogus"}, "secret"), ({"fields": ["bogus"]}, "holder")],
)
def test_filter__unknown_name__lists_those_that_are_shown(api: Any, given: Any, hidden: str) -> None:
    """In order, and none that the endpoint hides."""
    [fault] = api.search(ITEMS, **given).json()["errors"]
    assert (fault["known"] == sorted(fault["known"]), "sku" in fault["known"], hidden in fault["known"]) == (
        True, True, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "known"),
    [({"where": {"qty": {"bogus": 1}}}, "between"), ({"bogus": 1}, "where")],
)
def test_filter__unknown_operator_or_key__lists_those_there_are(api: Any, given: Any, known: str) -> None:
    """Who mistypes one finds the right one in the answer."""
    [fault] = api.search(ITEMS, **given).json()["errors"]
    assert known in fault["known"]


def test_include__related_row__shows_no_more_than_its_own_endpoint(api: Any) -> None:
    """The serializer of the related model decides."""
    [row] = api.search(ITEMS, where={"id": 4}, include=["owner", "reviews"]).json()["results"]
    assert (sorted(row["owner"]), sorted(row["reviews"][0])) == (
        ["age", "email", "id", "name", "vip"],
        ["body", "id", "itemId", "stars"],
    )


def test_relation__given_by_the_viewset__is_followed(api: Any) -> None:
    """``relations`` gives a further name."""
    [row] = api.search(ITEMS, where={"id": 1, "keeper.name": "Alice"}, include=["keeper"]).json()["results"]
    assert row["keeper"]["name"] == "Alice"


# What is no list and no pattern


@pytest.mark.parametrize(
    ("where", "pointer"),
    [
        ({"or": {}}, "/where/or"),
        ({"and": {"0": {}, "2": {}}}, "/where/and"),
        ({"id": {"inq": {"1": 1}}}, "/where/id/inq"),
        ({"name": {"regexp": "/a/ii"}}, "/where/name/regexp"),
    ],
)
def test_where__list_with_gaps_or_flag_given_twice__is_refused(api: Any, where: Any, pointer: str) -> None:
    """An object stands for a list when its names are 0, 1, 2 and so on."""
    assert refused(api.search(ITEMS, where=where)) == (400, "invalid-filter", pointer)


def test_where__brackets_with_gaps__close_them(api: Any) -> None:
    """Indexes in brackets say the order alone."""
    assert ids(api.get(f"{ITEMS}?filter[where][or][3][id]=2&filter[where][or][1][id]=1")) == [1, 2]


def test_where__one_written_with_a_point__is_true(api: Any) -> None:
    """JSON has one kind of number."""
    assert ids(api.get(f'{ITEMS}?filter={{"where": {{"active": 1.0, "id": {{"lt": 5.0}}}}}}')) == [1, 2]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [(r"^[\x00-\x40]+$", [9, 21, 22]), (r"^[^\u0000-\uffff]$", [38]), (r"\x00", []), (r"[\x00]", [])],
)
def test_regexp__escaped_nul__is_in_no_text(api: Any, pattern: str, found: list[int]) -> None:
    """Ranges of characters often begin with it."""
    assert ids(api.search(ITEMS, where={"name": {"regexp": pattern}})) == found


# Who is not there


@pytest.fixture
def without_alice(api: Any, alpha: Any, ana: Any) -> Any:
    """The same shop after its owner 1, Alice, and the reviews with five stars were deleted."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Owner.objects.get(number=1).delete()
        Review.objects.filter(stars=5).delete()
    return api


@pytest.mark.parametrize(
    "where", [{"owner.name": "Alice"}, {"reviews.stars": 5}, {"not": {"reviews.stars": {"neq": 5}}, "id": 12}]
)
def test_relation_path__deleted_row__is_not_met(without_alice: Any, where: Any) -> None:
    """A condition on related rows meets the living only."""
    if "not" in where:
        assert ids(without_alice.search(ITEMS, where=where)) == [12]
    else:
        assert ids(without_alice.search(ITEMS, where=where)) == []


def test_relation_path__deleted_owner__counts_as_none(without_alice: Any) -> None:
    """A row whose owner is deleted is one without an owner."""
    assert 1 in ids(without_alice.search(ITEMS, where={"owner.name": None}))


def test_include__deleted_rows__are_left_out(without_alice: Any) -> None:
    """What is deleted is embedded nowhere."""
    [row] = without_alice.search(ITEMS, where={"id": 12}, include=["reviews"]).json()["results"]
    assert row["reviews"] == []


def test_include__in_the_recycle_bin__shows_living_rows(api: Any, alpha: Any, ana: Any) -> None:
    """``deleted=true`` is said of the list, not of what is related."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Item.objects.get(number=2).delete()
    found = api.get(ITEMS, deleted="true", filter='{"include": ["owner", "reviews"]}').json()["results"]
    assert [(row["id"], row["owner"]["id"], row["reviews"]) for row in found] == [(2, 4, [])]


def test_relations__of_two_namespaces__never_meet(
    api: Any, api_of: Callable[..., Any], beta: Any, bea: Any
) -> None:
    """The same filter finds each namespace's own rows."""
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        holder = Owner.objects.create(number=1, name="Zoe")
        Item.objects.create(number=1, sku="B", rating=1, holder=holder)
    there = api_of(bea, beta)
    row = there.search(ITEMS, include=["owner", "reviews"]).json()["results"][0]
    assert (row["owner"]["name"], row["reviews"]) == ("Zoe", [])
    assert ids(there.search(ITEMS, where={"owner.name": "Alice"})) == []


# Queries


def queries(api: Any, path: str, **given: Any) -> int:
    api.search(path, **given)
    with CaptureQueriesContext(connection) as sent:
        assert api.search(path, **given).status_code == 200
    return len(sent) - BEFORE_THE_VIEW


def test_include__two_relations__take_one_query_each(api: Any) -> None:
    """The rows, how many there are, and one query per relation."""
    assert queries(api, ITEMS, include=["owner", "reviews"]) <= 4


def test_include__within_include__takes_one_query_per_level(api: Any) -> None:
    """However many rows there are on each level."""
    deep = [{"relation": "items", "scope": {"include": ["reviews"]}}]
    assert queries(api, OWNERS, include=deep) <= 4


def test_list__keys_shown_by_number__take_no_query_per_row(api: Any) -> None:
    """What is shown of the rows that keys lead to is joined."""
    assert queries(api, REVIEWS) <= 2


# Scope


def test_scope__limit_and_order__count_per_parent(api: Any) -> None:
    """Each row has its own first two."""
    scope = {"order": "stars DESC", "limit": 2, "fields": ["stars"]}
    found = api.search(
        ITEMS, where={"id": {"inq": [2, 3]}}, include=[{"relation": "reviews", "scope": scope}]
    ).json()["results"]
    assert [[review["stars"] for review in row["reviews"]] for row in found] == [[4, 3], [4, 3]]


@pytest.mark.parametrize("order", ["body", "body DESC", "body NULLS FIRST"])
def test_scope__limit_and_order_by_text__count_per_parent(api: Any, order: str) -> None:
    """Texts are ordered by an expression, not by a column."""
    scope = {"order": order, "limit": 1, "fields": ["body"]}
    found = api.search(
        ITEMS, where={"id": {"inq": [3, 4]}}, include=[{"relation": "reviews", "scope": scope}]
    ).json()["results"]
    first = "Good" if order == "body" else None
    assert [row["reviews"] for row in found] == [[{"body": first}], [{"body": "so-so" if first else None}]]


def test_scope__limit_and_order_by_text_of_one__is_that_one(api: Any) -> None:
    """The same towards one row."""
    scope = {"order": "name", "limit": 1, "fields": ["name"]}
    [row] = api.search(ITEMS, where={"id": 1}, include=[{"relation": "owner", "scope": scope}]).json()[
        "results"
    ]
    assert row["owner"] == {"name": "Alice"}


def test_scope__skip__leaves_out_the_first_of_each(api: Any) -> None:
    """``skip`` counts per parent as well."""
    scope = {"order": "stars DESC", "skip": 2}
    found = api.search(
        ITEMS, where={"id": {"inq": [2, 3]}}, include=[{"relation": "reviews", "scope": scope}]
    ).json()["results"]
    assert [[review["stars"] for review in row["reviews"]] for row in found] == [[1, 1], [3, 2, 1, 1]]


def test_scope__include_of_the_other_way__nests(api: Any) -> None:
    """A scope is a filter of its own."""
    scope = {"include": [{"relation": "item", "scope": {"fields": ["sku"]}}], "limit": 1}
    [row] = api.search(ITEMS, where={"id": 4}, include=[{"relation": "reviews", "scope": scope}]).json()[
        "results"
    ]
    assert row["reviews"][0]["item"] == {"sku": "SKU-004"}


# Caps


def deep_include(levels: int) -> Any:
    inner: Any = None
    for level in range(levels):
        name = "reviews" if (levels - level) % 2 else "item"
        inner = [{"relation": name, "scope": {"include": inner} if inner else {}}]
    return inner


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"where": {"id": {"inq": list(range(1001))}}}, "/where/id/inq"),
        ({"where": {"or": [{"id": 1}] * 1001}}, "/where/or/1000/id"),
        ({"where": {"and": [{}] * 2001}}, "/where/and/1999"),
        ({"where": {"and": [{"owner.name": "x"}] * 26}}, "/where/and/25/owner.name"),
        ({"where": {"name": {"like": "x" * 501}}}, "/where/name/like"),
        ({"where": {"name": {"regexp": "x" * 501}}}, "/where/name/regexp"),
        ({"where": {"name": {"regexp": "(x{100}){100}"}}}, "/where/name/regexp"),
        ({"where": {"name": {"regexp": "x{1000}{1000}"}}}, "/where/name/regexp"),
        ({"include": deep_include(4)}, "/include/0/scope/include/0/scope/include/0/scope/include"),
    ],
    ids=["list", "conditions", "groups", "related", "like", "pattern", "bounds", "bound", "include"],
)  # fmt: skip
def test_filter__too_much__is_refused(api: Any, given: Any, pointer: str) -> None:
    """Every part of a filter has a limit."""
    answer = api.post(f"{ITEMS}find/", given)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_filter__as_much_as_may_be__is_answered(api: Any) -> None:
    """A thousand conditions side by side."""
    where = {"or": [{"id": number} for number in range(60, 1060)]}
    assert ids(api.post(f"{ITEMS}find/", {"where": where})) == [60, 61, 62, 63, 64]


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$", "(.*)*x", "(a|aa)+$", "(a|a)*b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "(?=(a+))+b",
        "(.+)\\1{50}", "((a{20}){20})", "[^]{255}", "(a?){30}a{30}", "\\", "[z-a]", "(?<n>a)\\k<n>", "a**",
        "(?i)a", "***:a", "(?#x)", "[[:alpha:]]", "[[.a.]]", "\\Aa\\Z", "\\ma", "{", "}", "]", "a{,5}",
        "(?<=a)*",
    ],
)  # fmt: skip
def test_regexp__hostile_or_foreign__is_answered_soon(api: Any, pattern: str, settings: Any) -> None:
    """It ends in rows or in a refusal: 200 or 400."""
    settings.SMARTMODELS_STATEMENT_TIMEOUTS = {"request": 10.0, "search": 1.0}
    assert api.search(ITEMS, where={"name": {"regexp": pattern}}).status_code in (200, 400)


def test_regexp__that_takes_too_long__is_refused(
    committing: Any, api_of: Callable[..., Any], ana: Any, alpha: Any, settings: Any
) -> None:
    """The database gives up after the time that searches may take."""
    settings.SMARTMODELS_STATEMENT_TIMEOUTS = {"request": 10.0, "search": 0.2}
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Item.objects.create(number=1, sku="x", rating=1, note="ab" * 20_000 + "c")
    slow = {"note": {"regexp": r"^(?:(a?b?a?b?)*)\1\1(.*)\2\1(.*)\3$"}}
    assert refused(api_of(ana, alpha).search(ITEMS, where=slow)) == (400, "invalid-filter", "/where")


# Collations


@pytest.mark.parametrize(
    "given",
    [
        {"order": "name DESC", "where": {"name": {"neq": None}}},
        {"where": {"name": {"between": ["a", "z"]}}},
        {"where": {"name": {"gt": "Hammer"}}, "order": "name"},
        {"where": {"name": {"ilike": "%\u00c9%"}}},
        {"where": {"name": {"regexp": "/\u00e9/i"}}},
    ],
)
def test_text__in_a_database_of_another_order__is_compared_by_code_points(
    api: Any, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the database orders texts otherwise, or knows ASCII letters only, the query says how."""
    expected = ids(api.search(ITEMS, **given))
    folding = "pg_c_utf8" if connection.pg_version >= 170000 else "C.utf8"
    known = tuple(connection.settings_dict[name] for name in ("HOST", "PORT", "NAME"))
    monkeypatch.setitem(collations._known, known, collations.Collations(by_code_point=False, folding=folding))
    with CaptureQueriesContext(connection) as sent:
        found = ids(api.search(ITEMS, **given))
    assert (found, any("COLLATE" in query["sql"] for query in sent)) == (expected, True)
