"""The reference of grants says what the enums and the database say."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from shared_apps.sharing.models import Grant
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import GrantStateRefused
from smartmodels.fsck import SHARING
from smartmodels.sharing import GrantCause, GrantEnd, GrantHistory, GrantRole, GrantStatus, share
from tenant_apps.research.models import Study

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "reference" / "grants.md").read_text()
STEPS = {
    row[1]: set(re.findall(r"`(\w+)`", row[2]))
    for row in re.finditer(r"^\| `(\w+)` \| .* \| ([^|]*) \|$", PAGE.partition("## Roles")[0], re.MULTILINE)
}


def test_page__states__are_those_of_the_enum() -> None:
    """None is missing, none is promised."""
    assert set(STEPS) == set(GrantStatus.values)


@pytest.mark.parametrize("choices", [GrantRole, GrantHistory, GrantEnd, GrantCause])
def test_page__values_of_terms__are_all_there(choices: Any) -> None:
    """Each is named."""
    assert [value for value in choices.values if f"`{value}`" not in PAGE] == []


def test_page__steps__are_those_that_the_database_allows(alpha: Any, beta: Any) -> None:
    """Every pair of states is tried."""
    allowed: dict[str, set[str]] = {state: set() for state in STEPS}
    with operation(actor=Actor.command("tests")), namespace_scope(alpha):
        grant = share(Study.objects.create(code="A"), beta)
        kept = {
            name: getattr(grant, name) for name in ("resource_id", "home_id", "target_id", "row_id", "model")
        }
        for before, after in product(STEPS, STEPS):
            Grant.objects.all().delete()
            made = Grant.objects.create(
                **kept, target_slug="beta", status=before if before != "suspended" else "active"
            )
            if before == "suspended":
                Grant.objects.update(status="suspended")
            try:
                with transaction.atomic():
                    Grant.objects.filter(pk=made.pk).update(status=after)
            except GrantStateRefused:
                continue
            allowed[before] |= {after} - {before}
    assert allowed == STEPS


def test_explanation__codes_of_fsck__are_all_there() -> None:
    """What fsck finds is explained."""
    page = (DOCS / "explanation" / "sharing.md").read_text()
    assert {check.code for check in SHARING} == set(
        re.findall(r"`((?:share|grant)-\w+)`", page.partition("## Consent")[0])
    )
