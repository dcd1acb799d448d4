"""Who acts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["Actor", "ActorKind"]

ActorKind = Literal["user", "api_key", "oauth_application", "job", "command", "system"]


class _User(Protocol):
    pk: uuid.UUID

    def get_username(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts: a user, or a key, application, job, command or the system itself.

    ``user_id`` is the account that the actor's new rows belong to; None means the sentinel.
    ``label`` is what people read in histories, kept even after the account is gone.
    """

    kind: ActorKind
    label: str
    user_id: uuid.UUID | None = None

    @classmethod
    def user(cls, user: _User) -> Actor:
        """Return the actor for a logged-in user."""
        return cls(kind="user", label=user.get_username(), user_id=user.pk)

    @classmethod
    def command(cls, name: str) -> Actor:
        """Return the actor for a management command, such as ``namespace create``."""
        return cls(kind="command", label=name)

    @classmethod
    def system(cls, name: str = "system") -> Actor:
        """Return the actor for what the platform does of its own accord."""
        return cls(kind="system", label=name)
