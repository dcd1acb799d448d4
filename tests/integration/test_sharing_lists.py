"""Lists of own and shared rows against an oracle: what a loop over the homes finds."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from shared_apps.sharing.models import Grant
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import InvalidInput
from smartmodels.sharing import share, visible_parts, visible_rows
from tenant_apps.research.models import Observation
from tests.support.clients import ApiClient
from tests.support.databases import Databases
from tests.support.many import database_of_a_module, four_namespaces
from tests.support.people import email_of

OBSERVATIONS = "/api/v1/observations/"
ROLES = ("view", "edit", "manage")


@pytest.fixture(scope="module")
def four(databases: Databases, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Namespace]]:
    """Four namespaces with rows under the same keys, some of which are shared with beta."""
    with database_of_a_module(databases, django_db_blocker):
        found = four_namespaces()
        chance = random.Random(6)  # noqa: S311 - the same in every run
        for home in found:
            with namespace_scope(home), operation(actor=Actor.command("share")):
                rows = list(Observation.objects.order_by("pk"))
                for row in chance.sample(rows, 12) if home.slug != "beta" else ():
                    share(row, found[1], role=chance.choice(ROLES))
                for row in rows[::2] if home.slug == "beta" else ():
                    row.delete()
        yield found


@pytest.fixture
def api(four: list[Namespace]) -> ApiClient:
    """Bea's client in beta."""
    return ApiClient(User.objects.get(email=email_of("bea")), four[1])


def visible_in(target: Namespace, homes: list[Namespace], scope: str) -> list[dict[str, Any]]:
    """What the target sees, found home by home: own rows first, then who granted a key first."""
    found: dict[Any, dict[str, Any]] = {}
    by_slug = {home.slug: home for home in homes}
    sources = [(target, None, None)]
    sources += [(by_slug[g.home.slug], g.row_id, g.role) for g in Grant.objects.order_by("pk")]
    for home, key, role in sources:
        with namespace_scope(home):
            rows = Observation.objects.all() if key is None else Observation.objects.filter(pk=key)
            for row in rows:
                found.setdefault(row.pk, {"row": row, "home": home.slug, "role": role})
    wanted = {"all": (True, False), "own": (True,), "shared": (False,)}[scope]
    return [each for each in found.values() if (each["role"] is None) in wanted]


def place(row: Any, order: str) -> Any:
    """Where a row stands: nulls last in an ascending order, then by key."""
    name = order.partition(" ")[0]
    value = getattr(row, name) if name else None
    key = row.pk.int
    if not name:
        return key
    if order.endswith("DESC"):
        return (value is not None, -(value.toordinal() if hasattr(value, "toordinal") else value or 0), key)
    return (value is None, value or 0, key) if not hasattr(value, "toordinal") else (False, value, key)


def paged(api: ApiClient, **query: str) -> list[dict[str, Any]]:
    """All rows, page by page."""
    answer = api.get(OBSERVATIONS, **query).json()
    found = list(answer["results"])
    while answer["next"]:
        answer = api.get(answer["next"]).json()
        found += answer["results"]
    return found


def in_order(found: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    """What is visible, in an order."""
    if order == "id DESC":
        return sorted(found, key=lambda each: each["row"].pk.int, reverse=True)
    return sorted(found, key=lambda each: place(each["row"], order))


@pytest.mark.parametrize("at_once", [1, 50])
def test_list__random_grants__equals_what_each_home_has(
    at_once: int, four: list[Namespace], api: ApiClient
) -> None:
    """Every scope, order, filter and page, with few and with many homes in a statement."""
    beta = four[1]
    chance = random.Random(at_once)  # noqa: S311 - the same in every run
    seen = {scope: visible_in(beta, four, scope) for scope in ("all", "shared", "own")}
    with override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=at_once):
        for order in ("", "id DESC", "body_mass_g", "body_mass_g DESC", "observed_on"):
            for scope, visible in seen.items():
                least = chance.choice([0, 3500, 4500])
                asked: dict[str, Any] = {"limit": chance.choice([5, 7, 20]), "order": order or None}
                if least:
                    asked["where"] = {"body_mass_g": {"gt": least}}
                wanted = [each for each in visible if not least or (each["row"].body_mass_g or 0) > least]
                found = paged(api, scope=scope, filter=json.dumps(asked))
                assert [(row["id"], row["home"], row["role"], row["shared"]) for row in found] == [
                    (str(each["row"].pk), each["home"], each["role"], each["role"] is not None)
                    for each in in_order(wanted, order)
                ]


def test_count__random_grants__is_the_number_of_rows(api: ApiClient) -> None:
    """Own and shared rows are counted together; estimates are exact where counting is cheap."""
    for where in (None, {"body_mass_g": {"gt": 4000}}):
        asked = {"filter": json.dumps({"where": where})} if where else {}
        number = len(paged(api, **asked))
        for kind in ("exact", "estimated"):
            answer = api.get(OBSERVATIONS, headers={"prefer": f"count={kind}"}, **asked).json()
            assert answer["count"] == number


def test_list__skip_and_back__meet_the_same_rows(api: ApiClient) -> None:
    """Rows to skip are skipped in the list as a whole, and `previous` leads back over the same rows."""
    for order in (None, "body_mass_g"):
        whole = [row["id"] for row in paged(api, filter=json.dumps({"order": order}))]
        page = api.get(OBSERVATIONS, filter=json.dumps({"order": order, "skip": 9, "limit": 4})).json()
        back = api.get(page["previous"]).json()
        assert [row["id"] for row in page["results"]] == whole[9:13]
        assert [row["id"] for row in back["results"]] == whole[5:9]


def test_export__random_grants__has_every_row(api: ApiClient) -> None:
    """A file holds own and shared rows alike."""
    number = len(paged(api))
    for form in ("csv", "ndjson"):
        lines = b"".join(api.get(OBSERVATIONS, format=form).streaming_content).decode().strip().splitlines()
        assert len(lines) == number + (form == "csv")


@pytest.mark.parametrize("asked", [{}, {"where": {"body_mass_g": {"gt": 0}}, "order": "body_mass_g"}])
def test_list__many_homes__no_statement_touches_more_than_it_may(
    asked: dict[str, Any], four: list[Namespace], api: ApiClient
) -> None:
    """Whatever is asked, a statement reads a lot of homes at most."""
    schemas = [each.schema_name for each in four if each.slug != "beta"]
    with override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=2), CaptureQueriesContext(connection) as sent:
        paged(api, filter=json.dumps(asked))
        api.get(OBSERVATIONS, headers={"prefer": "count=exact"}, filter=json.dumps(asked))
    touched = [sum(f'"{schema}".' in each["sql"] for schema in schemas) for each in sent]
    assert max(touched) == 2


def test_visible_parts__more_homes_than_a_statement_may_touch__are_several(four: list[Namespace]) -> None:
    """Frames and reports read part by part what one queryset cannot."""
    wanted = {each["row"].pk for each in visible_in(four[1], four, "all")}
    with namespace_scope(four[1]), override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=2):
        parts = visible_parts(Observation)
        found = [key for part in parts for key in part.to_dataframe(["id"])["id"]]
        with pytest.raises(InvalidInput, match="visible_parts"):
            visible_rows(Observation)
    assert (len(parts), sorted(map(str, found))) == (2, sorted(map(str, wanted)))


@pytest.mark.parametrize(("scope", "status"), [("own", 200), ("all", 400), ("shared", 400)])
def test_list__of_the_past__is_of_own_rows(api: ApiClient, scope: str, status: int) -> None:
    """What others share is shown as it is now; who asks for its past is told so."""
    answer = api.get(OBSERVATIONS, scope=scope, as_of="2020-01-01T00:00:00Z")
    assert (answer.status_code, answer.json().get("parameter")) == (
        status,
        None if status == 200 else "scope",
    )
