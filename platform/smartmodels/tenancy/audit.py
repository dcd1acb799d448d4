"""What was done to namespaces: who, when, what, with which outcome, in a table that only grows.

An entry names accounts by their keys and nothing else, so there is no personal data in it to be erased when
an account is anonymised; who reads it sees the accounts as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import Error, models, transaction
from django.db.models.functions import Now

from smartmodels.conf import settings
from smartmodels.context import public_scope, require_operation
from smartmodels.exceptions import SmartModelsError

__all__ = ["AbstractAuditEntry", "Outcome", "Record", "audited", "entries", "get_audit_model", "said_by"]

_PEOPLE = ("user", "impersonator")


class Outcome(models.TextChoices):
    """What came of it: ``begun`` is the first of two entries of what takes several transactions."""

    DONE = "done"
    UNCHANGED = "unchanged"
    BEGUN = "begun"
    REFUSED = "refused"
    FAILED = "failed"


class AbstractAuditEntry(models.Model):
    """One thing that was done to a namespace, or refused.

    Namespaces come and go, entries stay: they refer to the namespace by value. ``actor_label`` names
    commands, jobs and programs; people are named by ``user_id``, and ``subject_id`` is the account that
    the action was about, if it was about one.
    """

    outlives_namespace = True

    at = models.DateTimeField(db_default=Now(), editable=False)
    action = models.CharField(max_length=40, editable=False)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, editable=False)
    namespace_id = models.UUIDField(editable=False)
    slug = models.CharField(max_length=31, editable=False)
    operation_id = models.UUIDField(editable=False)
    actor_kind = models.CharField(max_length=20, editable=False)
    actor_label = models.TextField(blank=True, default="", editable=False)
    user_id = models.UUIDField(null=True, editable=False)
    subject_id = models.UUIDField(null=True, editable=False)
    reason = models.TextField(blank=True, default="", editable=False)
    details = models.JSONField(default=dict, editable=False)
    message = models.TextField(blank=True, default="", editable=False)

    class Meta:
        abstract = True
        ordering: ClassVar[tuple[str, ...]] = ("-id",)
        verbose_name_plural = "audit entries"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["namespace_id", "-id"], name="%(app_label)s_audit_namespace"),
            models.Index(fields=["slug", "-id"], name="%(app_label)s_audit_slug"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.slug}: {self.outcome}"


def get_audit_model() -> Any:
    """Return the concrete model of audit entries (``SMARTMODELS_AUDIT_MODEL``)."""
    return apps.get_model(settings().AUDIT_MODEL)


def entries(*, slug: str | None = None) -> Any:
    """Return the entries, newest first, of all namespaces or of those of one slug."""
    rows = get_audit_model().objects.order_by("-id")
    return rows if slug is None else rows.filter(slug=_storable(slug).lower())


def said_by(found: Iterable[Any]) -> list[str]:
    """Return who acted, for each of the entries, as the accounts are called now."""
    rows = list(found)
    users = get_user_model().objects.in_bulk({row.user_id for row in rows if row.user_id})
    return [
        row.actor_label or (users[row.user_id].get_username() if row.user_id in users else row.actor_kind)
        for row in rows
    ]


class Record:
    """The entry that is going to be written; whoever acts adds what is known only then."""

    def __init__(self, action: str, namespace: Any, subject_id: Any, details: dict[str, Any]) -> None:
        self.outcome = Outcome.DONE
        self.details = details
        self._fixed = {
            "action": action,
            "namespace_id": namespace.pk,
            "slug": namespace.slug,
            "subject_id": subject_id,
            **_who(),
        }

    def unchanged(self) -> None:
        """Say that it was so already."""
        self.outcome = Outcome.UNCHANGED

    def begun(self) -> None:
        """Say that more is to come, in an entry of its own."""
        self.outcome = Outcome.BEGUN

    def note(self, **details: Any) -> None:
        """Add to the details; values are what JSON can hold."""
        self.details.update(details)

    def about(self, user: Any) -> None:
        """Name the account that it is about."""
        self._fixed["subject_id"] = user.pk

    def entry(self, message: str = "") -> Any:
        """Return the entry, not written."""
        return get_audit_model()(
            **self._fixed,
            outcome=self.outcome,
            details={name: _storable(value) for name, value in self.details.items()},
            message=_storable(message),
        )

    def write(self, message: str = "") -> None:
        """Write the entry, in the transaction that is open."""
        with public_scope():
            self.entry(message).save(force_insert=True)


def _storable(value: Any) -> Any:
    """Return a text without what PostgreSQL refuses, NUL and lone surrogates; anything else as it is."""
    if not isinstance(value, str):
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _who() -> dict[str, Any]:
    opened = require_operation()
    actor = opened.actor
    return {
        "operation_id": opened.id,
        "actor_kind": actor.kind,
        "actor_label": "" if actor.kind in _PEOPLE else actor.label,
        "user_id": actor.user_id,
        "reason": opened.reason or "",
    }


@contextmanager
def audited(action: str, namespace: Any, *, subject_id: Any = None, **details: Any) -> Iterator[Record]:
    """Do something to a namespace in one transaction, which holds the entry about it as well.

    What raises leaves nothing behind but an entry that says so: ``refused`` with the message for what the
    library refuses, ``failed`` for a failure of the database. Raises ActorRequired when nobody is said to
    act.
    """
    record = Record(action, namespace, subject_id, details)
    try:
        with public_scope(), transaction.atomic():
            yield record
            record.write()
    except SmartModelsError as error:
        _write_apart(record, Outcome.REFUSED, f"{error.message} [{error.code}]")
        raise
    except Error as error:
        _write_apart(record, Outcome.FAILED, type(error).__name__)
        raise


def _write_apart(record: Record, outcome: Outcome, message: str) -> None:
    record.outcome = outcome
    with suppress(Error), transaction.atomic():
        record.write(message[:2000])
