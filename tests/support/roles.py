"""Requests, views and rows as small as permissions need them; the examples in docstrings use them."""

from types import SimpleNamespace
from typing import Any


def request_of(name: str | None, role: str | None, method: str = "GET", by: str | None = None) -> Any:
    """A request of somebody with a role, or of nobody."""
    membership = None if role is None else SimpleNamespace(role=role)
    user = SimpleNamespace(pk=name, is_authenticated=name is not None)
    asked = SimpleNamespace(membership=membership, authenticated_by=by or ("token" if name else None))
    return SimpleNamespace(method=method, user=user, data={}, _request=asked)


def row_of(owner: str, *, deleted: bool = False) -> Any:
    """A row that somebody owns, or owned before it was deleted."""
    return SimpleNamespace(
        owner_id="sentinel" if deleted else owner, owner_before_deletion_id=owner, is_deleted=deleted
    )


def view_of(action: str) -> Any:
    """A view that is about to do something."""
    return SimpleNamespace(action=action)
