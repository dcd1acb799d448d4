"""An array does what the same requests one by one do: rows, versions and refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartmodels.context import namespace_scope
from smartmodels.history import history_model
from tenant_apps.research.models import Study
from tests.support.bulk import LENIENT, STUDIES, new_studies, statuses
from tests.support.clients import ApiClient

SHOWN = ("code", "island", "title")
CODES = st.sampled_from(["C0", "C1", "C2", "C3", "", None, 7, "x" * 21])
TITLES = st.sampled_from(["", "T", [], "x" * 201])
ROWS = st.dictionaries(st.sampled_from(["code", "island", "title", "owner", "nonsense"]), TITLES, max_size=2)


@pytest.fixture
def api(api_of: Callable[..., ApiClient], ana: Any, alpha: Any) -> ApiClient:
    return api_of(ana, alpha)


def state(alpha: Any) -> list[Any]:
    """What the rows hold, and every version of them in order."""
    with namespace_scope(alpha):
        versions = history_model(Study).objects.order_by("code", "history_id")
        return [
            sorted(Study.objects.values_list(*SHOWN)),
            sorted(versions.values_list(*SHOWN, "history_type", "action", "history_change_reason")),
        ]


def both(api: ApiClient, alpha: Any, together: Callable[[], Any], alone: Callable[[], Any]) -> list[Any]:
    """Do it in each way, from the same beginning; return what was answered and what is there then."""
    found = []
    for way in (together, alone):
        with transaction.atomic():
            found.append((way(), state(alpha)))
            transaction.set_rollback(True)
    return found


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.builds(lambda code, more: {"code": code, **more}, CODES, ROWS), max_size=6))
def test_post__any_rows__are_made_as_one_by_one(api: ApiClient, alpha: Any, rows: list[Any]) -> None:
    """A row is refused in the array with the status that it is refused with alone."""
    array, single = both(
        api, alpha,
        lambda: statuses(api.post(STUDIES, rows, **LENIENT)),
        lambda: [api.post(STUDIES, row).status_code for row in rows],
    )  # fmt: skip
    assert array == single


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given=st.permutations(range(4)), changes=st.lists(st.tuples(CODES, ROWS), min_size=4, max_size=4))
def test_patch__any_changes__are_made_as_one_by_one(
    api: ApiClient, alpha: Any, given: list[int], changes: list[tuple[Any, Any]]
) -> None:
    """Also where a value goes from row to row."""
    with transaction.atomic():
        made = api.post(STUDIES, new_studies(4)).json()
        sent = [
            (made[number]["id"], {"code": code, **more})
            for number, (code, more) in zip(given, changes, strict=True)
        ]
        array, single = both(
            api, alpha,
            lambda: statuses(api.patch(STUDIES, [{"id": key, **row} for key, row in sent], **LENIENT)),
            lambda: [api.patch(f"{STUDIES}{key}/", row).status_code for key, row in sent],
        )  # fmt: skip
        transaction.set_rollback(True)
    assert array == single
