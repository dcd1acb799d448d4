"""Spares: schemas with all their tables that wait for a namespace, so that making one takes milliseconds.

A spare bears a mark of its own. Claiming it is a rename and another mark, in the transaction that makes the
namespace: who is killed in between leaves the spare as it was.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from django.apps import apps
from django.db import InterfaceError, OperationalError, connections, models, transaction
from django.db.models.functions import Now

from smartmodels.conf import settings
from smartmodels.context import public_scope
from smartmodels.tenancy.migrating import forget_schema_state, note_schema_state
from smartmodels.tenancy.names import SCHEMA_MARK, SPARE_MARK
from smartmodels.tenancy.schemas import create_schema, drop_schema, marked_schemas
from smartmodels.tenancy.template import code_state, current_template, replay
from smartmodels.tenancy.together import Statement

__all__ = [
    "AbstractSpare",
    "SparesReport",
    "claim_spare",
    "claiming",
    "count_spares",
    "fill_spares",
    "get_spare_model",
]

_LOCK = (0x736D, -2)


class AbstractSpare(models.Model):
    """A schema that is ready for the next namespace; the row goes when it is claimed."""

    key = models.CharField(max_length=32, primary_key=True)
    schema_name = models.CharField(max_length=63, unique=True)
    fingerprint = models.CharField(max_length=64, db_index=True)
    ready_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.schema_name


@dataclass(frozen=True, slots=True)
class SparesReport:
    """How many spares were made and dropped, and how many are ready now."""

    made: int
    dropped: int
    ready: int

    def as_dict(self) -> dict[str, int]:
        """Return the numbers by their names."""
        return asdict(self)


def get_spare_model() -> Any:
    """Return the concrete model of spares (``SMARTMODELS_SPARE_MODEL``)."""
    return apps.get_model(settings().SPARE_MODEL)


def _current() -> Any:
    return get_spare_model().objects.filter(fingerprint=code_state().fingerprint)


def count_spares() -> int:
    """Return how many spares could be claimed now: what is behind the code's migrations does not count."""
    with public_scope():
        return int(_current().count())


def claiming(namespace: Any) -> Statement:
    """Return the statement that turns a spare into the namespace's schema, and tells whether it did.

    It does not if the namespace has one, none is ready or all are being claimed. A schema that does not bear
    the mark of its spare is not touched.
    """
    return (
        "SELECT public.smartmodels_claim_spare(%s, %s, %s)",
        (code_state().fingerprint, namespace.schema_name, f"{SCHEMA_MARK} {namespace.pk}"),
    )


def claim_spare(namespace: Any) -> bool:
    """Turn a spare into the namespace's schema, in the open transaction; tell whether there was one."""
    with connections["default"].cursor() as cursor:
        cursor.execute(*claiming(namespace))
        (claimed,) = cursor.fetchone()
    namespace.has_tables = bool(claimed)
    return bool(claimed)


def fill_spares(wanted: int | None = None) -> SparesReport:
    """Drop the spares that are behind the code, and make new ones until ``wanted`` are ready.

    ``wanted`` is ``SMARTMODELS_SPARE_NAMESPACES`` if not given. While another process fills, and while the
    template cannot be recorded, none is made.
    """
    wanted = settings().SPARE_NAMESPACES if wanted is None else wanted
    with public_scope():
        if not _try_lock():
            return SparesReport(0, 0, count_spares())
        try:
            dropped = _drop_stale()
            made = 0
            while count_spares() < wanted and _make():
                made += 1
            return SparesReport(made, dropped, count_spares())
        finally:
            with suppress(OperationalError, InterfaceError), connections["default"].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


def _try_lock() -> bool:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK)
        return bool(cursor.fetchone()[0])


def _make() -> bool:
    template = current_template()
    if template is None:
        return False
    key = secrets.token_hex(6)
    schema = f"smartmodels_spare_{key}"
    with transaction.atomic():
        create_schema(schema, key, mark=SPARE_MARK)
        replay(template.script, schema)
        note_schema_state(schema)
        get_spare_model().objects.create(key=key, schema_name=schema, fingerprint=template.fingerprint)
    return True


def _drop_stale() -> int:
    """Drop spares that are behind the code, and schemas marked as spares that no row knows."""
    model, dropped = get_spare_model(), 0
    schemas = marked_schemas(mark=SPARE_MARK)
    for schema, mark in schemas.items():
        key = mark.removeprefix(SPARE_MARK).strip()
        with transaction.atomic():
            row = model.objects.select_for_update(skip_locked=True).filter(key=key).first()
            if row is None and model.objects.filter(key=key).exists():
                continue  # Somebody is claiming it.
            if row is None or row.fingerprint != code_state().fingerprint:
                dropped += drop_schema(schema, key, mark=SPARE_MARK)
                forget_schema_state(schema)
                model.objects.filter(key=key).delete()
    return dropped
