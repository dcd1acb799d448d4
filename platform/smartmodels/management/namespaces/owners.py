"""The account that is to own a namespace."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from smartmodels.context import public_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.ownership import is_sentinel

__all__ = ["owner_account"]


def owner_account(email: str) -> tuple[Any, str | None]:
    """Return the account of this address, made if there is none, and the initial password of a new one.

    Raises InvalidInput for what is no address, and for an account that is closed or the sentinel's.
    """
    address = email.strip().lower()
    try:
        validate_email(address)
        get_user_model()._meta.get_field("email").clean(address, None)
    except ValidationError as error:
        raise InvalidInput(f"{email!r} is not an e-mail address: {' '.join(error.messages)}") from error
    model: Any = get_user_model()
    with public_scope():
        user = model.objects.filter(email=address).first()
        password = None
        if user is None:
            password = secrets.token_urlsafe(12)
            try:
                with transaction.atomic():
                    user = model.objects.create_user(address, password)
            except IntegrityError:
                # Somebody else made it a moment ago.
                user, password = model.objects.get(email=address), None
    if is_sentinel(user.pk) or not user.is_active:
        raise InvalidInput(f"The account {address} is closed, so it can own nothing: name another owner.")
    return user, password
