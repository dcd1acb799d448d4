"""What following the namespace costs a query: our engine against plain Django on the same database."""

from functools import partial
from itertools import cycle
from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper as PlainWrapper

from shared_apps.namespaces.models import Namespace
from smartmodels.context import namespace_scope
from tests.bench.measuring import figure, ratio

QUERY = "SELECT id, code, title FROM research_study WHERE code = %s LIMIT 20"
QUERIES = 20


def plain_connection(schema: str) -> Any:
    """Return a connection of Django's own engine that stays in one schema."""
    settings = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"]}}
    settings["OPTIONS"]["options"] = f"-c search_path={schema},public"
    return PlainWrapper(settings, alias="plain")


def query(wrapper: Any) -> None:
    """Send one query and read its rows."""
    with wrapper.cursor() as cursor:
        cursor.execute(QUERY, ["PAL0708"])
        cursor.fetchall()


def in_turn(namespaces: list[Any]) -> None:
    """Query through our engine, the namespace changing from query to query."""
    for _, namespace in zip(range(QUERIES), cycle(namespaces), strict=False):
        with namespace_scope(namespace):
            query(connection)


def again_and_again(wrapper: Any) -> None:
    """Query through plain Django, always in the same schema."""
    for _ in range(QUERIES):
        query(wrapper)


def compare(namespaces: list[Any], rounds: int) -> float:
    """Return what a query costs through our engine, over what it costs through Django's."""
    plain = plain_connection(namespaces[0].schema_name)
    try:
        return ratio(partial(in_turn, namespaces), partial(again_and_again, plain), rounds=rounds)
    finally:
        plain.close()


@figure("request.query_steady", ceiling=1.15)
def query_steady(rounds: int) -> float:
    """One namespace all the time: nothing is sent beside the query."""
    return compare(list(Namespace.objects.filter(slug="alpha")), rounds)


@figure("request.query_switching", ceiling=1.5)
def query_switching(rounds: int) -> float:
    """Another namespace with every query: the search path travels in the query's message."""
    return compare(list(Namespace.objects.filter(slug__in=["alpha", "beta"])), rounds)
