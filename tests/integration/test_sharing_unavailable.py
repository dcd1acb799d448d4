"""Homes that cannot be read just now: cards in their places, and what is left out is told."""

import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from shared_apps.namespaces.models import Namespace, SchemaState
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.sharing import share
from smartmodels.tenancy.migrating.requiring import required_migrations
from smartmodels.tenancy.models import State
from tenant_apps.research.models import Study

STUDIES, LEFT_OUT = "/api/v1/studies/", "Homes-Left-Out"


def made(user: Any, namespace: Any, code: str) -> Study:
    """A study that the user made in the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        study: Study = Study.objects.create(code=code)
    return study


@pytest.fixture
def mixed(alpha: Any, beta: Any, ana: Any, bea: Any) -> list[Study]:
    """B1, A1, B2, A2 in the order in which they were made: the A are alpha's, and shared with beta."""
    of = {"A": (ana, alpha), "B": (bea, beta)}
    rows = [made(*of[code[0]], code) for code in ("B1", "A1", "B2", "A2")]
    for row in rows[1::2]:
        with namespace_scope(alpha), operation(actor=Actor.command("share")):
            share(row, beta)
    return rows


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A migration that every namespace must have."""
    migration = importlib.import_module("tenant_apps.research.migrations.0001_initial").Migration
    monkeypatch.setattr(migration, "requires_current", True, raising=False)
    required_migrations.cache_clear()
    yield
    required_migrations.cache_clear()


@pytest.fixture(params=["maintenance", "behind", "broken"])
def away(request: Any, mixed: list[Study], alpha: Any) -> str:
    """Why alpha cannot be read."""
    if request.param == "maintenance":
        Namespace.objects.filter(pk=alpha.pk).update(state=State.MAINTENANCE)
    elif request.param == "behind":
        request.getfixturevalue("required")
        SchemaState.objects.filter(schema_name=alpha.schema_name).update(applied=[])
    else:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER TABLE "{alpha.schema_name}".research_study RENAME COLUMN title TO titel')
    return str(request.param)


@pytest.fixture
def api(away: str, beta: Any, bea: Any, api_of: Any) -> Any:
    """Bea's client, while alpha is away."""
    return api_of(bea, beta)


def named(answer: Any) -> list[tuple[str, bool]]:
    """What rows on a page are called, and whether they are cards."""
    assert answer.status_code == 200, answer.content
    return [(row.get("code") or row["label"], "unavailable" in row) for row in answer.json()["results"]]


IN_ORDER = [("B1", False), ("A1", True), ("B2", False), ("A2", True)]


@pytest.mark.parametrize(("order", "expected"), [(None, IN_ORDER), ("id DESC", IN_ORDER[::-1])])
def test_list__home_is_away__has_cards_in_their_places(order: Any, expected: Any, api: Any) -> None:
    """As if the rows could be read; nothing is left out."""
    answer = api.get(STUDIES, filter=json.dumps({"order": order}))
    assert (named(answer), LEFT_OUT in answer) == (expected, False)


def test_list__home_is_away__goes_on_behind_a_card(api: Any) -> None:
    """A page may end with one."""
    first = api.get(STUDIES, filter='{"limit": 2}').json()
    assert named(api.get(first["next"])) == IN_ORDER[2:]


@pytest.mark.parametrize(
    "asked", [{"where": {"code": {"neq": "x"}}}, {"order": "code"}, {"where": {"code": "A1"}}]
)
@pytest.mark.parametrize("scope", ["all", "shared"])
def test_list__filtered_while_a_home_is_away__names_it(scope: str, asked: Any, api: Any) -> None:
    """Its rows are left out, since nobody can judge them, and the answer says whose."""
    answer = api.get(STUDIES, filter=json.dumps(asked), scope=scope)
    assert answer[LEFT_OUT] == "alpha"
    assert not [card for _, card in named(answer) if card]


@pytest.mark.parametrize(
    ("path", "asked"),
    [("count/", {"where": '{"code": {"neq": "x"}}'}), ("findOne/", {"filter": '{"order": "code"}'}),
     ("", {"filter": '{"order": "code"}', "format": "csv"})],
)  # fmt: skip
def test_counts_and_files__while_a_home_is_away__name_it(path: str, asked: Any, api: Any) -> None:
    """Whatever is made of a list."""
    answer = api.get(f"{STUDIES}{path}", **asked)
    assert (answer.status_code, answer[LEFT_OUT]) == (200, "alpha")
    answer.close()


def test_list__of_own_rows__leaves_nobody_out(api: Any) -> None:
    """Nobody else was asked."""
    answer = api.get(STUDIES, scope="own", filter='{"order": "code"}')
    assert (named(answer), LEFT_OUT in answer) == ([("B1", False), ("B2", False)], False)


def test_list__filtered_while_all_are_there__leaves_nobody_out(
    mixed: list[Study], required: None, beta: Any, bea: Any, api_of: Any
) -> None:
    """The header is there when it has something to say."""
    answer = api_of(bea, beta).get(STUDIES, filter='{"order": "code"}')
    assert (len(named(answer)), LEFT_OUT in answer) == (4, False)
