"""S1 to S4 as a property: whatever is done, in whatever order, and killed wherever, what is shared holds.

``SHARING_STEPS=10000`` does more than the quick run, and ``SHARING_SEED`` another one.
"""

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from smartmodels.context import Actor, operation
from smartmodels.fsck import SHARING, check_namespaces
from smartmodels.tenancy.provisioning import provision
from tests.support.asking import asking

STEPS = int(os.environ.get("SHARING_STEPS", "250"))
SEED = int(os.environ.get("SHARING_SEED", "6"))
AT_ONCE = 60
"""Steps of one process, if nothing kills it."""


@pytest.fixture
def four(committing: Any, ana: Any, bea: Any) -> None:
    """Besides alpha and beta, gamma of ana and delta of bea."""
    for slug, owner in (("gamma", ana), ("delta", bea)):
        with operation(actor=Actor.system("tests")):
            provision(slug, name=slug, owner=owner)


@pytest.fixture
def sharers(four: None) -> Iterator[Any]:
    """Give a task to tests/support/sharers.py, on the test's database; returns the answer."""
    with asking("sharers") as answer:
        yield answer


def broken_chains() -> list[Any]:
    """Grants whose events do not lead from one status to the next."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grant_id FROM (SELECT grant_id, status_before, lag(status, 1, '') OVER"
            " (PARTITION BY grant_id ORDER BY id) AS before FROM sharing_grantevent) e"
            " WHERE status_before <> before"
        )
        return cursor.fetchall()


def test_sharing__random_steps_killed_on_the_way__breaks_nothing(sharers: Any) -> None:
    """After each process, killed before some statement or not, fsck finds nothing."""
    chance, done, killed = random.Random(SEED), 0, 0  # noqa: S311
    while done < STEPS:
        cut = chance.randrange(20, 1500)
        said, steps = sharers(seed=chance.randrange(2**32), steps=AT_ONCE, statement=cut)
        done, killed = done + steps, killed + (said == "killed")
        left = check_namespaces(only=SHARING).left
        assert [(each.code, each.namespace, each.what) for each in left] == [], (SEED, done)
        assert broken_chains() == [], (SEED, done)
    assert killed
