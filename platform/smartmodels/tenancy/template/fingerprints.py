"""Which tables the code makes: told from its migrations, without looking into the database."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import django
from django.core.signals import setting_changed
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from smartmodels.conf import settings
from smartmodels.tenancy import triggers
from smartmodels.tenancy.placement import tenant_labels

__all__ = ["CodeState", "code_state", "forget_code_state"]

_NAMED = re.compile(r"\bsmartmodels(?:\.\w+)+")
_FORMAT = 1
"""Raised whenever scripts are written in another way."""


@dataclass(frozen=True, slots=True)
class CodeState:
    """The migrations of the tenant apps and what else decides which tables they make.

    ``migrations`` maps ``app.name``, in order, to a digest of its source. ``basis`` stands for what changes
    what a migration makes without changing its source; ``fingerprint`` for all of it.
    """

    migrations: dict[str, str]
    basis: str
    fingerprint: str


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _source(module: str) -> str:
    try:
        return inspect.getsource(sys.modules[module])
    except (OSError, TypeError, KeyError):
        return module


def _with_what_it_names(module: str) -> list[str]:
    """Return the source of a migration and of the library's modules that it calls."""
    source = _source(module)
    named = {name for match in _NAMED.findall(source) for name in _prefixes(match) if name in sys.modules}
    return [source, *(_source(name) for name in sorted(named))]


def _prefixes(dotted: str) -> list[str]:
    parts = dotted.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


@cache
def code_state(using: str = "default") -> CodeState:
    """Return the state of the code, read once in a process."""
    loader = MigrationLoader(None)
    graph, labels = loader.graph, tenant_labels()
    nodes: dict[tuple[str, str], None] = {}
    for leaf in sorted(node for node in graph.leaf_nodes() if node[0] in labels):
        nodes.update(dict.fromkeys(graph.forwards_plan(leaf)))
    migrations = {
        f"{app}.{name}": _digest(_with_what_it_names(type(graph.nodes[app, name]).__module__))
        for app, name in nodes
        if app in labels
    }
    server = cast(Any, connections[using]).pg_version // 10_000
    basis = _digest(
        _FORMAT, django.get_version(), server, settings().HISTORY_WRITER, inspect.getsource(triggers)
    )
    return CodeState(migrations, basis, _digest(basis, migrations))


def forget_code_state() -> None:
    """Read the migrations again when they are next asked for: they changed while the process runs."""
    code_state.cache_clear()


def _on_setting(*, setting: str, **_: object) -> None:
    if setting in ("TENANT_APPS", "INSTALLED_APPS", "MIGRATION_MODULES", "SMARTMODELS_HISTORY_WRITER"):
        forget_code_state()


setting_changed.connect(_on_setting, dispatch_uid="smartmodels.tenancy.template.fingerprints")
