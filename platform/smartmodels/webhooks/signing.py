"""Secrets and signatures, as Standard Webhooks 1.0 says (standardwebhooks.com).

A secret is not stored. It is HMAC-SHA256 of the webhook's id and salt under the site's SECRET_KEY, so a dump
of the database signs nothing. While SECRET_KEY_FALLBACKS keeps a former key, messages are signed with the
secrets of both, as they are for a day after a rotation.
"""

from __future__ import annotations

import base64
import hmac
import os
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings as django_settings
from django.utils import timezone
from django.utils.encoding import force_bytes

__all__ = ["new_salt", "secret_of", "signed_headers"]

_SALT_BYTES = 16
_DOMAIN = b"smartmodels.webhooks"


def new_salt() -> bytes:
    """Return what a new secret is made of."""
    return os.urandom(_SALT_BYTES)


def _key_of(webhook_id: uuid.UUID, salt: bytes, site_key: str | bytes) -> bytes:
    return hmac.digest(force_bytes(site_key), _DOMAIN + webhook_id.bytes + salt, "sha256")


def secret_of(webhook: Any) -> str:
    """Return the secret as receivers are given it: ``whsec_`` and base64 of 32 bytes."""
    key = _key_of(webhook.pk, bytes(webhook.salt), django_settings.SECRET_KEY)
    return "whsec_" + base64.b64encode(key).decode()


def _keys(webhook: Any, now: datetime) -> list[bytes]:
    salts = [bytes(webhook.salt)]
    if webhook.former_salt is not None and webhook.former_until > now:
        salts.append(bytes(webhook.former_salt))
    site_keys = [django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS]
    return [_key_of(webhook.pk, salt, site_key) for salt in salts for site_key in site_keys]


def signed_headers(webhook: Any, message_id: str, body: bytes) -> dict[str, str]:
    """Return the headers that vouch for a message sent now.

    ``webhook-signature`` holds one ``v1,<base64>`` per secret in force: HMAC-SHA256 over
    ``<webhook-id>.<webhook-timestamp>.<body>``.
    """
    now = timezone.now()
    timestamp = str(int(now.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = [
        base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in _keys(webhook, now)
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }
