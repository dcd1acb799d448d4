"""Find namespaces, finished and not."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ObjectDoesNotExist

from smartmodels.context import public_scope
from smartmodels.exceptions import InvalidInput, NamespaceNotFound
from smartmodels.tenancy.models import State, get_namespace_model

__all__ = [
    "UNFINISHED",
    "find_namespace",
    "is_plain",
    "reload",
    "require_unfinished",
    "unfinished",
]

UNFINISHED = (State.RESERVED, State.CREATING, State.FAILED)
"""The states of a namespace whose provisioning did not come to an end."""


def is_plain(text: str) -> bool:
    """Tell whether the text can be shown and stored."""
    return text.isprintable() and text.encode("utf-8", "replace").decode() == text


def find_namespace(slug: str) -> Any:
    """Return the namespace of this slug; raise NamespaceNotFound."""
    wanted = slug.strip().lower()
    with public_scope():
        # What is no plain text was never stored, and PostgreSQL refuses to look for it.
        rows = get_namespace_model().objects.filter(slug=wanted) if is_plain(wanted) else ()
        namespace = next(iter(rows), None)
    if namespace is None:
        raise NamespaceNotFound(f"No namespace {slug!r}: see `manage.py namespace list`.", slug=slug)
    return namespace


def unfinished() -> list[Any]:
    """Return the namespaces whose provisioning did not come to an end."""
    with public_scope():
        return list(get_namespace_model().objects.filter(state__in=UNFINISHED).order_by("created_at"))


def reload(namespace: Any) -> None:
    """Read the row again; raise NamespaceNotFound when another process removed it meanwhile."""
    try:
        namespace.refresh_from_db()
    except ObjectDoesNotExist as error:
        raise NamespaceNotFound(f"Namespace {namespace.slug!r} was removed meanwhile.") from error


def require_unfinished(namespace: Any) -> None:
    """Raise InvalidInput unless the namespace is half-made, and so may be rolled back."""
    if namespace.state not in (*UNFINISHED, State.LOADING):
        raise InvalidInput(
            f"Namespace {namespace.slug!r} is {namespace.state}, not half-made: "
            "use `namespace delete` to remove it.",
            slug=namespace.slug,
        )
