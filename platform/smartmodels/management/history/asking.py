"""What the actions of ``manage.py history`` are given: models, keys, people and times."""

from __future__ import annotations

import uuid
from datetime import datetime, time
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, make_aware

from smartmodels.context import public_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.history import tracked_models

__all__ = ["key_of", "model_of", "moment_of", "operation_of", "user_of"]


def model_of(label: str) -> Any:
    """Return the tracked model of a label such as ``research.study``; raise InvalidInput."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        model = None
    if model is None or model._meta.concrete_model not in tracked_models():
        known = ", ".join(sorted(each._meta.label_lower for each in tracked_models()))
        raise InvalidInput(f"{label!r} is no model with a history: choose from {known}.")
    return model._meta.concrete_model


def key_of(model: Any, given: str) -> Any:
    """Return the key of a row; raise InvalidInput for what cannot be one."""
    try:
        return model._meta.pk.to_python(given)
    except ValidationError as error:
        raise InvalidInput(f"{given!r} cannot be the key of a {model._meta.verbose_name}.") from error


def moment_of(given: str | None) -> datetime | None:
    """Return the time that ISO 8601 text names, in the project's time zone if it says none.

    A date is its beginning. Raises InvalidInput for anything else.
    """
    if given is None:
        return None
    try:
        moment = parse_datetime(given)
        if moment is None and (date := parse_date(given)) is not None:
            moment = datetime.combine(date, time())
    except ValueError:
        moment = None
    if moment is None:
        raise InvalidInput(f"{given!r} is no time: write one as 2026-01-31 or 2026-01-31T09:30.")
    return make_aware(moment) if is_naive(moment) else moment


def user_of(email: str | None) -> uuid.UUID | None:
    """Return the key of the account with this address; raise InvalidInput if there is none."""
    if email is None:
        return None
    users: Any = get_user_model()
    with public_scope():
        user = users._base_manager.filter(email=email.strip().lower()).first()
    if user is None:
        raise InvalidInput(f"There is no account {email!r}.")
    return uuid.UUID(str(user.pk))


def operation_of(given: str) -> uuid.UUID:
    """Return the id of an operation; raise InvalidInput for what is none."""
    try:
        return uuid.UUID(given)
    except ValueError as error:
        raise InvalidInput(
            f"{given!r} is no id of an operation: `manage.py history operations` lists them."
        ) from error
