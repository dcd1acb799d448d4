"""Sessions that hold in one namespace only: a session key of A means nothing in B (DESIGN T6)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from shared_apps.accounts.models import Session
from smartmodels.context import current_namespace

__all__ = ["SessionStore"]


def _namespace_id() -> Any:
    namespace = current_namespace()
    return None if namespace is None else namespace.pk


class SessionStore(DatabaseStore):
    """Django's database sessions, found only in the namespace they were made in.

    A key presented in another namespace is treated as unknown, so the visitor is anonymous there and gets
    a session of its own; the original is neither read nor overwritten.
    """

    @classmethod
    def get_model_class(cls) -> Any:
        return Session

    def _get_session_from_db(self) -> Any:
        session = super()._get_session_from_db()  # type: ignore[misc]
        if session is not None and session.namespace_id != _namespace_id():
            self._session_key = None
            return None
        return session

    async def _aget_session_from_db(self) -> Any:
        session = await super()._aget_session_from_db()  # type: ignore[misc]
        if session is not None and session.namespace_id != _namespace_id():
            self._session_key = None
            return None
        return session

    def create_model_instance(self, data: Any) -> Any:
        session: Any = super().create_model_instance(data)
        session.user_id = data.get(SESSION_KEY)
        session.namespace_id = _namespace_id()
        return session
