"""What travels with a job beside its arguments: the namespace and who wanted it."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from django.apps import apps
from uuid_utils.compat import uuid7

from smartmodels.conf import settings
from smartmodels.context import Actor, current_namespace, current_operation
from smartmodels.exceptions import InvalidInput, NamespaceNotFound

__all__ = ["Envelope", "find_namespace"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A job's arguments, its namespace, the person behind it, and the operation its changes belong to."""

    arguments: dict[str, Any]
    namespace: uuid.UUID | None = None
    actor: Actor | None = None
    operation: uuid.UUID | None = None

    @classmethod
    def around(cls, arguments: dict[str, Any]) -> Envelope:
        """Return the envelope for arguments of a job that is wanted here and now.

        Raises InvalidInput for arguments that are not JSON.
        """
        try:
            text = json.dumps(arguments, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"Arguments of a job are JSON, such as keys as text: {error}.") from error
        if "\\u0000" in text:
            raise InvalidInput("Arguments of a job hold no NUL character: PostgreSQL stores none.")
        namespace, opened = current_namespace(), current_operation()
        principal = None if opened is None else opened.principal
        return cls(
            json.loads(text), None if namespace is None else namespace.pk, principal, uuid.UUID(str(uuid7()))
        )

    def as_json(self) -> dict[str, Any]:
        """Return what the queue keeps."""
        actor = None if self.actor is None else asdict(self.actor)
        if actor is not None and actor["user_id"] is not None:
            actor["user_id"] = str(actor["user_id"])
        return {
            "arguments": self.arguments,
            "namespace": None if self.namespace is None else str(self.namespace),
            "actor": actor,
            "operation": None if self.operation is None else str(self.operation),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Envelope:
        """Return the envelope that the queue kept; a periodic job's holds nothing."""
        actor = kept.get("actor")
        if actor is not None:
            actor = Actor(**{**actor, "user_id": _uuid(actor["user_id"])})
        return cls(
            kept.get("arguments", {}), _uuid(kept.get("namespace")), actor, _uuid(kept.get("operation"))
        )

    @property
    def on_behalf_of(self) -> Actor | None:
        """Return the person or program behind the job; the system acts on nobody's behalf."""
        return None if self.actor is None or self.actor.kind in ("system", "anonymous") else self.actor


def _uuid(text: str | None) -> uuid.UUID | None:
    return None if text is None else uuid.UUID(text)


def find_namespace(key: uuid.UUID | None) -> Any:
    """Return the namespace as it is now, or None for no key; raise NamespaceNotFound if it is gone."""
    if key is None:
        return None
    found = apps.get_model(settings().NAMESPACE_MODEL).objects.filter(pk=key).first()
    if found is None:
        raise NamespaceNotFound("The namespace of this job was removed.")
    return found
