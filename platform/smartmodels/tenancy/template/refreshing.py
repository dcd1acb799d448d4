"""Keep the template: a schema that Django migrates, recorded once for each state of the code."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.utils import timezone

from smartmodels.context import public_scope
from smartmodels.exceptions import SmartModelsError
from smartmodels.tenancy.migrating import forget_schema_state, migrate_namespace
from smartmodels.tenancy.names import TEMPLATE_MARK
from smartmodels.tenancy.schemas import create_schema, drop_schema, marked_schemas
from smartmodels.tenancy.template.fingerprints import CodeState, code_state
from smartmodels.tenancy.template.models import get_template_model
from smartmodels.tenancy.template.proving import proved_recording

__all__ = ["current_template", "find_template", "refresh_template"]

Progress = Callable[[str], None]

_LOCK = (0x736D, -1)
_KEPT = 5
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _TemplateSchema:
    """The template as something that can be bound while it is migrated; it is no namespace."""

    schema_name: str
    pk: str = "template"
    slug: str = "template"


def _silent(_: str) -> None:
    """Report to nobody."""


@contextmanager
def _alone(using: str) -> Iterator[None]:
    """Wait until nobody else refreshes the template; PostgreSQL gives the lock of a dead process back."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", _LOCK)
    try:
        yield
    finally:
        with suppress(OperationalError, InterfaceError), connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


def current_template(*, progress: Progress = _silent, using: str = "default") -> Any | None:
    """Return the template for the code's migrations, recorded now if nobody did so yet.

    None if it cannot be recorded: then the reason is kept, and :func:`refresh_template` tries again.
    """
    state = code_state(using)
    with public_scope():
        template = _find(state, using) or refresh_template(progress=progress, using=using, again=False)
    return template if template.script else None


def find_template(*, using: str = "default") -> Any | None:
    """Return the record for the code's migrations as it is, None if nobody made one yet."""
    with public_scope():
        return _find(code_state(using), using)


def _find(state: CodeState, using: str) -> Any | None:
    rows = get_template_model().objects.using(using).filter(fingerprint=state.fingerprint)
    return rows.defer("definitions", "migrations").first()


def refresh_template(*, progress: Progress = _silent, using: str = "default", again: bool = True) -> Any:
    """Migrate the template schema, record it, and return the record, which says so if that failed.

    Who comes while another process does it waits and gets the other's. With ``again`` the schema is made
    from nothing, whatever was recorded before.
    """
    state = code_state(using)
    with public_scope(), _alone(using):
        if not again and (found := _find(state, using)):
            return found
        schema = _schema(state, using, anew=again)
        values: dict[str, Any] = {"basis": state.basis, "schema_name": schema}
        try:
            migrate_namespace(_TemplateSchema(schema), progress=progress, using=using)
            recording = proved_recording(schema, using=using)
        except (SmartModelsError, DatabaseError) as error:
            _logger.warning("The template of schemas could not be recorded: %s", error)
            values |= {"script": "", "definitions": {}, "migrations": {}, "error": str(error)[:2000]}
        else:
            made = {"script": recording.script, "definitions": dict(recording.definitions)}
            values |= {**made, "migrations": state.migrations, "error": ""}
        return _keep(state, values, using)


def _keep(state: CodeState, values: dict[str, Any], using: str) -> Any:
    rows = get_template_model().objects.using(using)
    values["made_at"] = timezone.now()
    template, _made = rows.update_or_create(fingerprint=state.fingerprint, defaults=values)
    stale = list(rows.order_by("-made_at").values_list("pk", flat=True)[_KEPT:])
    rows.filter(pk__in=stale).exclude(pk=template.pk).delete()
    return template


def _schema(state: CodeState, using: str, *, anew: bool) -> str:
    """Return the schema to migrate: the last one if the code only added migrations since, else a new one."""
    last = get_template_model().objects.using(using).order_by("-made_at", "-pk").first()
    usable = None
    if last is not None and not anew and last.script and last.basis == state.basis:
        known = last.migrations.items()
        usable = last.schema_name if known <= state.migrations.items() else None
    for schema, mark in marked_schemas(mark=TEMPLATE_MARK, using=using).items():
        if schema == usable:
            return schema
        drop_schema(schema, mark.removeprefix(TEMPLATE_MARK).strip(), mark=TEMPLATE_MARK, using=using)
        forget_schema_state(schema, using=using)
    key = secrets.token_hex(6)
    create_schema(f"smartmodels_template_{key}", key, mark=TEMPLATE_MARK, using=using)
    return f"smartmodels_template_{key}"
