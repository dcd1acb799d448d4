"""What the generated client takes and answers with."""

from typing import Any

import pytest
from django.conf import settings

from smartmodels.rest.clients import client_source
from smartmodels.rest.documents import openapi_document


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("studies_create", "-> list[Study] | Study:"),
        ("studies_find_create", "body: StudyFilter,"),
    ],
)
def test_python_client__method__has_the_types_that_the_api_has(db: Any, method: str, said: str) -> None:
    """One row is answered with one row, and a search is sent a filter."""
    source = client_source(openapi_document(settings.ROOT_URLCONF, "an API", ""), "python")
    [line] = [line for line in source.splitlines() if f"def {method}(" in line]
    assert said in line
