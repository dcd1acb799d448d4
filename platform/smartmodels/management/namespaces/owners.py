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
from smartmodels.tenancy.models import Role

__all__ = ["owner_account", "owner_for"]


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


def owner_for(source: Any, email: str | None) -> Any:
    """Return who is to own a copy of ``source``: the account of the address, else one of its owners.

    Raises InvalidInput for an account that is closed, and where nobody owns the source.
    """
    with public_scope(), transaction.atomic():
        if email:
            return owner_account(email)[0]
        owned = source.memberships.filter(role=Role.OWNER, user__is_active=True)
        membership = owned.select_related("user").order_by("joined_at").first()
    if membership is None:
        raise InvalidInput(f"{source.slug} has no owner who could own the copy: name one.", field="owner")
    return membership.user
