"""Reads whose right answer is known: every namespace holds studies that bear its slug."""

import random
from typing import Any

from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Study

READS = 2000
"""How many reads each proof of isolation makes at least."""


def chooser(seed: int) -> random.Random:
    """Choices that look random and are the same in every run."""
    return random.Random(seed)  # noqa: S311 - nothing is secret here


def codes_of(namespace: Any) -> list[str]:
    """The codes of the studies that :func:`plant` made in the namespace."""
    return [f"{namespace.slug}-{number}" for number in range(3)]


def plant(namespace: Any, owner: Any) -> list[Study]:
    """Make the studies of the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(owner)):
        return [Study.objects.create(code=code, title=namespace.slug) for code in codes_of(namespace)]


def count_wrong(namespace: Any, found: Any) -> int:
    """How many codes were found that are another namespace's, or are missing."""
    return len(set(codes_of(namespace)) ^ set(found))


def wrong_rows(namespace: Any) -> int:
    """Read the studies with the namespace bound; how many of the rows are wrong."""
    with namespace_scope(namespace):
        return count_wrong(namespace, Study.objects.values_list("code", flat=True))
