"""Take a slug, once for each wish."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from smartmodels.context import public_scope
from smartmodels.exceptions import IdempotencyKeyReused, InvalidInput, SlugTaken
from smartmodels.tenancy.hosts import require_free_host
from smartmodels.tenancy.models import (
    Role,
    State,
    get_membership_model,
    get_namespace_model,
)
from smartmodels.tenancy.names import new_schema_name, primary_host, validate_slug
from smartmodels.tenancy.provisioning.finding import UNFINISHED, is_plain

__all__ = ["prepare", "reserve"]


def _validated_name(name: str) -> str:
    field = get_namespace_model()._meta.get_field("name")
    if not is_plain(name):
        raise InvalidInput("The name cannot be used: it holds characters that cannot be shown.", field="name")
    try:
        cleaned: str = field.clean(name.strip(), None)
    except ValidationError as error:
        raise InvalidInput(f"The name cannot be used: {' '.join(error.messages)}", field="name") from error
    return cleaned


def _validated_key(key: str) -> str:
    if not (1 <= len(key) <= 100 and key.isascii() and key.isprintable()):
        raise InvalidInput("An idempotency key has 1 to 100 printable ASCII characters.")
    return key


def _digest(slug: str, name: str, owner: Any) -> str:
    return hashlib.sha256(json.dumps([slug, name, str(owner.pk)]).encode()).hexdigest()


def _of_key(key: str, digest: str) -> Any | None:
    """Return the namespace made under this key; raise IdempotencyKeyReused if another one was asked for."""
    namespace = get_namespace_model().objects.filter(request_key=key).first()
    if namespace is not None and namespace.request_digest != digest:
        raise IdempotencyKeyReused(
            f"The idempotency key {key!r} was used to make another namespace: take a new key.", key=key
        )
    return namespace


def prepare(slug: str, *, name: str, owner: Any, idempotency_key: str | None = None) -> Any:
    """Return the namespace that this wish made before under its key, or a reservation that is not inserted.

    Raises SlugInvalid, InvalidInput, or IdempotencyKeyReused when the key was given with another wish.
    """
    slug, name = validate_slug(slug), _validated_name(name)
    key = None if idempotency_key is None else _validated_key(idempotency_key)
    digest = "" if key is None else _digest(slug, name, owner)
    if key is not None:
        with public_scope():
            known = _of_key(key, digest)
        if known is not None:
            return known
    return _reservation(slug, name, key, digest)


def reserve(slug: str, *, name: str, owner: Any, idempotency_key: str | None = None) -> Any:
    """Take the slug: one row, at once visible to everybody else who wants it.

    The same wish under the same ``idempotency_key`` gives the namespace it gave before. Raises SlugTaken,
    HostTaken and what :func:`prepare` raises.
    """
    namespace = prepare(slug, name=name, owner=owner, idempotency_key=idempotency_key)
    if not namespace._state.adding:
        return namespace
    with public_scope():
        return _insert_or_explain(namespace, owner)


def _reservation(slug: str, name: str, key: str | None, digest: str) -> Any:
    return get_namespace_model()(
        slug=slug, name=name, schema_name=new_schema_name(slug), state=State.RESERVED,
        request_key=key, request_digest=digest,
    )  # fmt: skip


def _insert(namespace: Any, owner: Any) -> None:
    # Not save(), in which django-tenants looks for what new_schema_name() never makes.
    namespace.save_base(force_insert=True)
    get_membership_model().objects.create(namespace=namespace, user=owner, role=Role.OWNER)
    require_free_host(primary_host(namespace.slug), namespace.pk)


def _insert_or_explain(namespace: Any, owner: Any) -> Any:
    """Insert and return the namespace, or return the one that somebody else with the key has just made."""
    slug, key = namespace.slug, namespace.request_key
    try:
        with transaction.atomic():
            _insert(namespace, owner)
    except IntegrityError as error:
        # Somebody else with this key was faster by a moment.
        if key is not None and (known := _of_key(key, namespace.request_digest)):
            return known
        taken = get_namespace_model().objects.filter(slug=slug).first()
        if taken is None:
            raise
        half = f", half-made: finish it with `namespace resume {slug}`," if taken.state in UNFINISHED else ""
        raise SlugTaken(
            f"A namespace {slug!r} exists already{half or ':'} choose another slug.", slug=slug
        ) from error
    return namespace
