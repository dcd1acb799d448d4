"""What one request, command or job changes is one operation: it has an id, an actor and a reason."""

from __future__ import annotations

import inspect
import json
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from functools import wraps
from types import TracebackType
from typing import Any, TypeVar, cast

from uuid_utils.compat import uuid7

from smartmodels.conf import settings
from smartmodels.context.actor import Actor
from smartmodels.context.generators import async_steps, steps
from smartmodels.exceptions import ActorRequired, InvalidInput

__all__ = ["Operation", "current_operation", "operation", "require_operation"]

F = TypeVar("F", bound=Callable[..., Any])


def _storable(value: str | int) -> str | int:
    """Return the value without what PostgreSQL's jsonb refuses: NUL and lone surrogates."""
    if isinstance(value, int):
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Operation:
    """One unit of change."""

    id: uuid.UUID
    actor: Actor
    reason: str | None = None
    action: str | None = None
    via: str | None = None
    on_behalf_of: Actor | None = None
    reverted_from: int | None = None
    via_grant: uuid.UUID | None = None
    _setting: str | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.actor.kind == "impersonator" and self.on_behalf_of is None:
            raise InvalidInput(
                f"{self.actor.label} impersonates nobody: "
                "say whom, with operation(actor=Actor.impersonator(staff), on_behalf_of=Actor.user(user))."
            )

    @property
    def as_setting(self) -> str:
        """Return what the capture trigger reads from the transaction; made when it is first asked for."""
        setting = self._setting
        if setting is None:
            setting = json.dumps(dict(self._said()))
            object.__setattr__(self, "_setting", setting)
        return setting

    def _said(self) -> Iterator[tuple[str, str | int]]:
        label = self.actor.label
        if self.on_behalf_of is not None:
            label = f"{label} on behalf of {self.on_behalf_of.label}"
        values: dict[str, str | int | None] = {
            "id": str(self.id),
            "kind": self.actor.kind,
            "user": str(self.actor.user_id) if self.actor.user_id else None,
            "label": label,
            "reason": self.reason,
            "action": self.action,
            "via": self.via,
            "via_grant": str(self.via_grant) if self.via_grant else None,
            "reverted_from": self.reverted_from,
        }
        return ((key, _storable(value)) for key, value in values.items() if value is not None)

    @property
    def owner_id(self) -> uuid.UUID | None:
        """Return the user that rows made in this operation belong to, or None for the sentinel."""
        return self.principal.user_id

    @property
    def principal(self) -> Actor:
        """Return whose work it is: the one on whose behalf somebody acts, else the actor."""
        return self.on_behalf_of or self.actor

    def resumed(self) -> operation:
        """Return a manager that opens this very operation again, such as for the next chunk of a stream."""
        return operation._again(self)


_current: ContextVar[Operation | None] = ContextVar("smartmodels_operation", default=None)


def current_operation() -> Operation | None:
    """Return the open operation, or None."""
    return _current.get()


def require_operation() -> Operation:
    """Return the open operation; without one, raise ActorRequired or let the system act.

    ``SMARTMODELS_DEFAULT_REQUIRED`` decides which.
    """
    opened = _current.get()
    if opened is not None:
        return opened
    if settings().DEFAULT_REQUIRED:
        raise ActorRequired(
            "Nobody is said to act here: wrap the write in operation(actor=Actor.user(user)), "
            "or in operation() when the system acts of its own accord."
        )
    return Operation(uuid7(), Actor.system())


class operation:  # noqa: N801 - used like a function, as contextlib's managers are
    """Open an operation: ``with operation(actor=Actor.user(ana), reason="typo"): ...``.

    Nested operations keep the outer id, so that everything one request changes can be undone together;
    what is not given (actor, reason, via) is taken from the outer one, unless ``nested`` is false: then
    what is open outside does not count. ``id`` continues an operation that was begun elsewhere. Works as
    a sync and async context manager and as a decorator of both kinds of function and generator. Opening
    one without an actor, and with none outside, means the system acts.
    """

    def __init__(  # noqa: PLR0913 - every argument is optional and named
        self,
        *,
        actor: Actor | None = None,
        reason: str | None = None,
        action: str | None = None,
        via: str | None = None,
        on_behalf_of: Actor | None = None,
        reverted_from: int | None = None,
        via_grant: uuid.UUID | None = None,
        id: uuid.UUID | None = None,  # noqa: A002 - it is the operation's id
        nested: bool = True,
    ) -> None:
        self._given = (actor, reason, action, via, on_behalf_of, reverted_from, via_grant)
        self._id, self._nested = id, nested
        self._known: Operation | None = None
        self._token: Token[Operation | None] | None = None

    @classmethod
    def _again(cls, opened: Operation) -> operation:
        made = cls()
        made._known = opened
        return made

    def _open(self) -> Operation:
        if self._known is not None:
            return self._known
        actor, reason, action, via, on_behalf_of, reverted_from, via_grant = self._given
        outer = _current.get() if self._nested else None
        if outer is None:
            return Operation(
                self._id or uuid7(), actor or Actor.system(), reason, action, via, on_behalf_of,
                reverted_from, via_grant,
            )  # fmt: skip
        return Operation(
            self._id or outer.id,
            actor or outer.actor,
            reason or outer.reason,
            action or outer.action,
            via or outer.via,
            on_behalf_of or outer.on_behalf_of,
            reverted_from or outer.reverted_from,
            via_grant or outer.via_grant,
        )

    def __enter__(self) -> Operation:
        if self._token is not None:
            raise RuntimeError("this operation is open already: make a fresh one per block")
        opened = self._open()
        self._token = _current.set(opened)
        return opened

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token, self._token = self._token, None
        if token is not None:
            _current.reset(token)

    async def __aenter__(self) -> Operation:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _fresh(self) -> operation:
        actor, reason, action, via, on_behalf_of, reverted_from, via_grant = self._given
        return operation(
            actor=actor, reason=reason, action=action, via=via, on_behalf_of=on_behalf_of,
            reverted_from=reverted_from, via_grant=via_grant, id=self._id, nested=self._nested,
        )  # fmt: skip

    def _begin(self) -> Callable[[], operation]:
        """Begin the operation of a generator; return what opens it again for each step."""
        return self._fresh()._open().resumed

    def __call__(self, function: F) -> F:
        if inspect.isasyncgenfunction(function):
            return cast(F, async_steps(function, self._begin))
        if inspect.isgeneratorfunction(function):
            return cast(F, steps(function, self._begin))
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                async with self._fresh():
                    return await function(*args, **kwargs)

            return cast(F, run_async)

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return cast(F, run)
