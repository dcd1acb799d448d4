"""Fixtures for pytest: name this module in ``pytest_plugins``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smartmodels.testing import namespaces

__all__ = ["make_namespace", "spare_namespaces"]


@pytest.fixture(scope="session")
def spare_namespaces(django_db_setup: None, django_db_blocker: Any) -> None:  # noqa: ARG001 - in this order
    """Keep spares ready, of which tests make their namespaces in a few milliseconds."""
    with django_db_blocker.unblock():
        namespaces.keep_spares()


@pytest.fixture
def make_namespace(spare_namespaces: None, db: None) -> Callable[..., Any]:  # noqa: ARG001 - in this order
    """``make_namespace(slug)`` makes an active namespace that is gone after the test."""
    return namespaces.make_namespace
