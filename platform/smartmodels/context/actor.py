"""Who acts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["Actor", "ActorKind"]

ActorKind = Literal[
    "user", "api_key", "oauth_application", "job", "command", "system", "impersonator", "anonymous"
]


class _User(Protocol):
    pk: uuid.UUID

    def get_username(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts: a user, or a key, application, job, command or the system itself.

    ``user_id`` is the account that the actor's new rows belong to; None means the sentinel.
    ``label`` is what people read in histories, kept even after the account is gone. ``staff`` matters
    in private mode alone, where the project may let staff see everybody's rows.
    """

    kind: ActorKind
    label: str
    user_id: uuid.UUID | None = None
    staff: bool = False

    @classmethod
    def user(cls, user: _User) -> Actor:
        """Return the actor for a logged-in user."""
        staff = bool(getattr(user, "is_staff", False))
        return cls(kind="user", label=user.get_username(), user_id=user.pk, staff=staff)

    @classmethod
    def api_key(cls, label: str, user_id: uuid.UUID | None = None) -> Actor:
        """Return the actor for a program with a key; its new rows belong to ``user_id``, the key's user."""
        return cls(kind="api_key", label=label, user_id=user_id)

    @classmethod
    def oauth_application(cls, label: str, user_id: uuid.UUID | None = None) -> Actor:
        """Return the actor for an application; ``user_id`` is who gave it leave, if somebody did."""
        return cls(kind="oauth_application", label=label, user_id=user_id)

    @classmethod
    def job(cls, name: str) -> Actor:
        """Return the actor for a background job; say whom it works for with ``on_behalf_of``."""
        return cls(kind="job", label=name)

    @classmethod
    def impersonator(cls, staff: _User) -> Actor:
        """Return the actor for one of the staff who works in somebody's place.

        Use it as ``operation(actor=Actor.impersonator(staff), on_behalf_of=Actor.user(ana))``: histories
        name both, new rows belong to ana, and in private mode only ana's rows are visible.
        """
        return cls(kind="impersonator", label=staff.get_username(), user_id=staff.pk)

    @classmethod
    def command(cls, name: str) -> Actor:
        """Return the actor for a management command, such as ``namespace create``."""
        return cls(kind="command", label=name)

    @classmethod
    def system(cls, name: str = "system") -> Actor:
        """Return the actor for what the platform does of its own accord."""
        return cls(kind="system", label=name)

    @classmethod
    def anonymous(cls) -> Actor:
        """Return the actor for a request of nobody known: it may not see what belongs to somebody."""
        return _ANONYMOUS


_ANONYMOUS = Actor(kind="anonymous", label="anonymous")
