"""Which namespace the running code works in.

A ContextVar, bound by one context manager. Threads start unbound and tasks inherit a copy, so nothing
that one request binds can be seen by another (DESIGN T1).
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Protocol

from smartmodels.exceptions import NamespaceNotBound

__all__ = [
    "PUBLIC_SCHEMA",
    "BoundNamespace",
    "current_namespace",
    "current_schema",
    "namespace_scope",
    "public_scope",
    "require_namespace",
]

PUBLIC_SCHEMA = "public"


class BoundNamespace(Protocol):
    """What can be bound: anything that names a schema and has a key and a slug."""

    @property
    def pk(self) -> Any: ...

    @property
    def slug(self) -> str: ...

    @property
    def schema_name(self) -> str: ...


_current: ContextVar[BoundNamespace | None] = ContextVar("smartmodels_namespace", default=None)


class namespace_scope:  # noqa: N801 - used like a function, as contextlib's managers are
    """Bind ``namespace`` for the block: ``with namespace_scope(acme): ...`` (or ``async with``).

    Scopes nest; leaving one restores what was bound before, also after an exception. Make a fresh one
    per block: entering the same object twice raises RuntimeError.
    """

    __slots__ = ("_namespace", "_token")

    def __init__(self, namespace: BoundNamespace | None) -> None:
        self._namespace = namespace
        self._token: Token[BoundNamespace | None] | None = None

    def __enter__(self) -> BoundNamespace | None:
        if self._token is not None:
            raise RuntimeError("this namespace_scope is entered already: make a fresh one per block")
        self._token = _current.set(self._namespace)
        return self._namespace

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token, self._token = self._token, None
        if token is not None:
            _current.reset(token)

    async def __aenter__(self) -> BoundNamespace | None:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def public_scope() -> namespace_scope:
    """Unbind for the block: only shared models can be used inside."""
    return namespace_scope(None)


def current_namespace() -> BoundNamespace | None:
    """Return the bound namespace, or None."""
    return _current.get()


def require_namespace() -> BoundNamespace:
    """Return the bound namespace; raise :class:`NamespaceNotBound` when there is none."""
    namespace = _current.get()
    if namespace is None:
        raise NamespaceNotBound("No namespace is bound here: wrap the call in namespace_scope(namespace).")
    return namespace


def current_schema() -> str | None:
    """Return the schema of the bound namespace, or None."""
    namespace = _current.get()
    return None if namespace is None else namespace.schema_name
