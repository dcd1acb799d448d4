"""The rows of the shop, the cases of its filters, and both forms in which a filter is sent."""

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.shop.models import Item, Owner, Review

CASES = Path(__file__).resolve().parents[1] / "shop" / "cases"
PATHS = {"Item": "/api/v1/items/", "Owner": "/api/v1/owners/", "Review": "/api/v1/reviews/"}


@cache
def read(name: str) -> Any:
    """One of the files: dataset, cases or http_cases."""
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


def load() -> None:
    """Put the rows of the dataset into the bound namespace."""
    data = read("dataset")
    owners = {row["id"]: Owner(number=row["id"], **_without(row, "id")) for row in data["owners"]}
    Owner.objects.bulk_create(owners.values())
    items = {
        row["id"]: Item(number=row["id"], holder=owners.get(row["ownerId"]), **_without(row, "id", "ownerId"))
        for row in data["items"]
    }
    Item.objects.bulk_create(items.values())
    Review.objects.bulk_create(
        Review(number=row["id"], item=items[row["itemId"]], **_without(row, "id", "itemId"))
        for row in data["reviews"]
    )


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def as_json(given: Any, name: str = "filter") -> str:
    """The query string of a filter as JSON."""
    return urlencode({name: json.dumps(given)})


class Inexpressible(Exception):
    """Brackets cannot say this: null, or an empty object or list."""


def as_brackets(given: Any, name: str = "filter") -> str:
    """The query string of a filter in brackets; raise Inexpressible."""
    return urlencode(list(_pairs(given, name)))


def _pairs(given: Any, name: str) -> Any:
    if isinstance(given, (dict, list)):
        if not given:
            raise Inexpressible(name)
        items = given.items() if isinstance(given, dict) else enumerate(given)
        for key, inner in items:
            yield from _pairs(inner, f"{name}[{key}]")
    elif given is None:
        raise Inexpressible(name)
    else:
        yield name, json.dumps(given) if isinstance(given, (bool, float)) else str(given)
