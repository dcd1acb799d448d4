"""Which kind of work the running code does: a request, a job, or (unsaid) a command that takes its time."""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import TracebackType

__all__ = ["current_work", "working"]

_current: ContextVar[str | None] = ContextVar("smartmodels_work", default=None)


class working:  # noqa: N801 - used like a function, as contextlib's managers are
    """Say which kind of work the block is: ``with working("job"): ...`` (or ``async with``).

    The kind decides how long one statement may take (``SMARTMODELS_STATEMENT_TIMEOUTS``). None, which holds
    where nothing is said, leaves that to the server. Blocks nest; make a fresh one per block.
    """

    __slots__ = ("_kind", "_token")

    def __init__(self, kind: str | None) -> None:
        self._kind = kind
        self._token: Token[str | None] | None = None

    def __enter__(self) -> None:
        if self._token is not None:
            raise RuntimeError("this block of work is entered already: make a fresh one per block")
        self._token = _current.set(self._kind)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token, self._token = self._token, None
        if token is not None:
            _current.reset(token)

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def current_work() -> str | None:
    """Return the kind of work, or None where nobody said it."""
    return _current.get()
