"""What is to be undone: a selection of versions, said as a value."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import models
from django.db.models import Q

from smartmodels.exceptions import InvalidInput
from smartmodels.history.tracking import tracked_models

__all__ = ["AfterVersion", "ByUser", "InOperation", "Selection", "SinceMoment"]


class Selection(Protocol):
    """Which versions are to be undone; ``title`` says it to people."""

    @property
    def title(self) -> str: ...

    @property
    def models(self) -> tuple[type[models.Model], ...]: ...

    @property
    def condition(self) -> Q: ...


@dataclass(frozen=True, slots=True)
class AfterVersion:
    """Everything that happened to one row after one of its versions."""

    model: type[models.Model]
    pk: Any
    number: int

    @property
    def title(self) -> str:
        return f"{self.model._meta.verbose_name} {self.pk} after version {self.number}"

    @property
    def models(self) -> tuple[type[models.Model], ...]:
        return (self.model,)

    @property
    def condition(self) -> Q:
        return Q((self.model._meta.pk.attname, self.pk), history_id__gt=self.number)


@dataclass(frozen=True, slots=True)
class InOperation:
    """Everything that one operation changed."""

    id: uuid.UUID

    @property
    def title(self) -> str:
        return f"operation {self.id}"

    @property
    def models(self) -> tuple[type[models.Model], ...]:
        return tracked_models()

    @property
    def condition(self) -> Q:
        return Q(operation_id=self.id)


@dataclass(frozen=True, slots=True)
class ByUser:
    """Everything that a user did from ``since`` on and before ``until`` (None: up to now)."""

    user_id: uuid.UUID
    since: datetime
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.until <= self.since:
            raise InvalidInput("The end of the time is not after its beginning.", field="until")

    @property
    def title(self) -> str:
        end = "" if self.until is None else f" until {self.until.isoformat()}"
        return f"what user {self.user_id} did since {self.since.isoformat()}{end}"

    @property
    def models(self) -> tuple[type[models.Model], ...]:
        return tracked_models()

    @property
    def condition(self) -> Q:
        chosen = Q(history_user_id=self.user_id, history_date__gte=self.since)
        return chosen if self.until is None else chosen & Q(history_date__lt=self.until)


@dataclass(frozen=True, slots=True)
class SinceMoment:
    """Everything that anybody did after a moment; ``name`` is that of its mark, if it has one."""

    at: datetime
    name: str = ""

    @property
    def title(self) -> str:
        return f"everything since {self.name or self.at.isoformat()}"

    @property
    def models(self) -> tuple[type[models.Model], ...]:
        return tracked_models()

    @property
    def condition(self) -> Q:
        return Q(history_date__gt=self.at)
