"""``Idempotency-Key``: a write that is sent twice is done once, and answered twice the same.

The answer is kept in the transaction of the write, under a lock that ends with it: whoever is killed leaves
neither a write without its answer nor a key that is taken.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from smartmodels.conf import settings
from smartmodels.context import require_operation
from smartmodels.exceptions import IdempotencyKeyReused
from smartmodels.rest.bulk.errors import RequestUnderWay
from smartmodels.rest.faults import InvalidHeader
from smartmodels.tenancy.remembering import kept_answer_model, of_namespace

__all__ = ["IdempotencyMixin", "account_of"]

_HEADER = "Idempotency-Key"
_UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
_VALID = re.compile(r"[\x21-\x7e]{1,255}")
_OF_THIS_ANSWER = ("x-request-id", "content-length", "date", "set-cookie")
_NOT_KEPT = (408, 425, 429)


def account_of(request: Any) -> str:
    """Return on whose account the request is, as text; of nobody known, what the actor is called."""
    if (key := getattr(request.user, "pk", None)) is not None:
        return str(key)
    actor = require_operation().actor
    return f"{actor.kind}:{actor.label}"[:300]


def _principal_of(request: Any) -> str:
    """Return who asks: a person, or a key or application, each for itself, on whose account they act."""
    account = account_of(request)
    if getattr(request._request, "scopes", None) is None:
        return account
    actor = require_operation().actor
    return f"{account} {actor.kind}:{actor.label}"[:300]


def _digest(request: Any) -> str:
    """Return what tells this request from others: everything that it asks for."""
    asked = (
        request.method,
        request._request.get_full_path(),
        request.headers.get("Content-Type", ""),
        request.headers.get("Prefer", ""),
    )
    digest = hashlib.sha256("\n".join(asked).encode("utf-8", "surrogateescape"))
    digest.update(b"\n" + request._request.body)
    return digest.hexdigest()


def _lock(owner: dict[str, Any], key: str) -> None:
    """Be the only one who answers under the key until the transaction ends; raise RequestUnderWay."""
    name = f"idempotency {owner['namespace_id']} {owner['principal']} {key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        (is_first,) = cursor.fetchone()
    if not is_first:
        raise RequestUnderWay(
            "A request with this Idempotency-Key is being answered: ask again shortly, with the same key.",
            retry_after=settings().RETRY_AFTER,
        )


def _kept(owner: dict[str, Any], key: str, digest: str) -> HttpResponse | None:
    """Return the answer that was given under the key; raise IdempotencyKeyReused if the wish was another."""
    since = timezone.now() - timedelta(hours=settings().IDEMPOTENCY_HOURS)
    kept = kept_answer_model().objects.filter(**owner, key=key, created_at__gt=since).first()
    if kept is None:
        return None
    if kept.digest != digest:
        raise IdempotencyKeyReused(
            "This Idempotency-Key came with another request before: take a new key for a new request."
        )
    answer = HttpResponse(bytes(kept.body), status=kept.status)
    del answer.headers["Content-Type"]
    for name, value in kept.headers.items():
        answer.headers[name] = value
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


def _keep(owner: dict[str, Any], key: str, digest: str, answer: Any) -> None:
    headers = {name: value for name, value in answer.items() if name.lower() not in _OF_THIS_ANSWER}
    said = {
        "schema_name": owner["schema_name"],
        "digest": digest,
        "status": answer.status_code,
        "headers": headers,
        "body": answer.content,
        "created_at": timezone.now(),
    }
    place = {name: owner[name] for name in ("namespace_id", "principal")}
    kept_answer_model().objects.update_or_create(**place, key=key, defaults=said)


def _is_kept(answer: Any) -> bool:
    """Tell whether the answer is final: no failure of the server, no rehearsal, nothing to be tried again."""
    return (
        answer.status_code < 500
        and answer.status_code not in _NOT_KEPT
        and "Retry-After" not in answer
        and "tx=rollback" not in answer.get("Preference-Applied", "")
    )


class IdempotencyMixin:
    """Answers a write that bears an ``Idempotency-Key`` once, and repeats the answer for 24 hours.

    The same key with another method, address or body is refused with 422, one whose first request is not
    answered yet with 409. Keys are those of one person or program in one namespace.
    """

    keeps_answers = True

    def initial(self: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Admit the request, then let its handler run once per key."""
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get(_HEADER)
        if key is None or request.method not in _UNSAFE:
            return
        if not _VALID.fullmatch(key):
            raise InvalidHeader(_HEADER, "1 to 255 printable ASCII characters without spaces are needed.")
        name = request.method.lower()
        handler = getattr(self, name)
        setattr(self, name, lambda *args, **kwargs: self._once(key, handler, *args, **kwargs))

    def _once(
        self: Any, key: str, handler: Callable[..., Any], request: Any, *args: Any, **kwargs: Any
    ) -> Any:
        owner, digest = of_namespace(_principal_of(request)), _digest(request)
        with transaction.atomic():
            _lock(owner, key)
            kept = _kept(owner, key, digest)
            if kept is not None:
                return kept
            answer = self._answer(handler, request, *args, **kwargs)
            if _is_kept(answer):
                _keep(owner, key, digest, answer)
        return answer

    def _answer(self: Any, handler: Callable[..., Any], request: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the rendered answer; what a refused request wrote is taken back."""
        try:
            with transaction.atomic():
                answer = handler(request, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the view knows which of them it answers
            answer = self.handle_exception(error)
        answer = self.finalize_response(request, answer, *args, **kwargs)
        return answer.render() if hasattr(answer, "render") else answer
