"""Clients that are written from the OpenAPI document: one typed file each, without dependencies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from smartmodels.rest.clients.javascript import javascript_client
from smartmodels.rest.clients.python import python_client

__all__ = ["LANGUAGES", "client_source"]

LANGUAGES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "javascript": javascript_client,
    "python": python_client,
}


def client_source(document: Mapping[str, Any], language: str) -> str:
    """Return the client's source; raise KeyError for a language that is none of ``LANGUAGES``."""
    return LANGUAGES[language](document)
