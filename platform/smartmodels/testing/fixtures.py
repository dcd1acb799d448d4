"""Fixtures for pytest: name this module in ``pytest_plugins``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smartmodels.testing import namespaces

__all__ = ["make_namespace"]


@pytest.fixture
def make_namespace(db: None) -> Callable[..., Any]:  # noqa: ARG001 - pytest's way to ask for the database
    """``make_namespace(slug)`` makes an active namespace that is gone after the test."""
    return namespaces.make_namespace
