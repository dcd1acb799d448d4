"""Arrays of rows, and what the API says of them."""

from typing import Any

from django.db import models

from smartmodels.context import namespace_scope
from tenant_apps.research.models import Study

STUDIES, SPECIMENS = "/api/v1/studies/", "/api/v1/specimens/"
NOBODY = "00000000-0000-7000-8000-00000000ffff"
LENIENT = {"prefer": "handling=lenient"}


def new_studies(count: int, **more: Any) -> list[dict[str, Any]]:
    """Studies C0, C1, ... on Dream."""
    return [{"code": f"C{number}", "island": "Dream", **more} for number in range(count)]


def codes(namespace: Any) -> list[str]:
    """The codes of the living studies of a namespace."""
    with namespace_scope(namespace):
        return sorted(Study.objects.values_list("code", flat=True))


def count_of(namespace: Any, model: type[models.Model]) -> int:
    """How many rows a namespace has."""
    with namespace_scope(namespace):
        return int(model._default_manager.count())


def faults(answer: Any) -> list[tuple[int, str, str]]:
    """Every mistake: the number of the row, the pointer, the code."""
    return sorted((each["index"], each["pointer"], each["code"]) for each in answer.json()["errors"])


def statuses(answer: Any) -> list[int]:
    """The status of every row in an answer 207."""
    assert answer.status_code == 207, answer.content
    return [each["status"] for each in answer.json()["results"]]
