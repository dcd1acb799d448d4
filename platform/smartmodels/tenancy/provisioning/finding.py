"""Find namespaces, finished and not, and keep everybody else's hands off one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError, connections

from smartmodels.context import public_scope
from smartmodels.exceptions import InvalidInput, NamespaceBusy, NamespaceNotFound
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.triggers import quoted

__all__ = [
    "UNFINISHED",
    "exclusively",
    "find_namespace",
    "holds_alone",
    "is_plain",
    "reload",
    "require_unfinished",
    "unfinished",
]

UNFINISHED = (State.RESERVED, State.CREATING, State.FAILED)
"""The states of a namespace whose provisioning did not come to an end."""

_LOCK_CLASS = 0x736D


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


def _lock_of(namespace: Any) -> tuple[int, int]:
    return _LOCK_CLASS, namespace.pk.int % 2**31


def holds_alone(namespace: Any) -> bool:
    """Take the namespace's advisory lock to the end of the transaction, if it is free and still reserved.

    One statement: for what takes only a moment.
    """
    table = quoted(type(namespace)._meta.db_table)
    with connections["default"].cursor() as cursor:
        cursor.execute(
            f"SELECT pg_try_advisory_xact_lock(%s, %s) FROM {table} WHERE id = %s AND state = %s",  # noqa: S608
            [*_lock_of(namespace), namespace.pk, State.RESERVED],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


@contextmanager
def exclusively(namespace: Any) -> Iterator[None]:
    """Hold the namespace's advisory lock, which PostgreSQL gives back when the process dies."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _lock_of(namespace))
        if not cursor.fetchone()[0]:
            raise NamespaceBusy(
                f"Another process is working on {namespace.slug!r}: wait for it, then try again.",
                slug=namespace.slug,
            )
    try:
        yield
    finally:
        # A connection that is gone has given its locks back.
        with suppress(OperationalError, InterfaceError), connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _lock_of(namespace))


def reload(namespace: Any) -> None:
    """Read the row again; raise NamespaceNotFound when another process removed it meanwhile."""
    try:
        namespace.refresh_from_db()
    except ObjectDoesNotExist as error:
        raise NamespaceNotFound(f"Namespace {namespace.slug!r} was removed meanwhile.") from error


def require_unfinished(namespace: Any) -> None:
    """Raise InvalidInput unless the namespace is half-made, and so may be rolled back."""
    if namespace.state not in UNFINISHED:
        raise InvalidInput(
            f"Namespace {namespace.slug!r} is {namespace.state}, not half-made: "
            "use `namespace delete` to remove it.",
            slug=namespace.slug,
        )
