"""The recorded runs: who migrated what when, and what came of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections
from django.db.models.functions import Now

from smartmodels.context import public_scope, require_operation
from smartmodels.tenancy.migrating.models import get_migration_outcome_model, get_migration_run_model
from smartmodels.tenancy.migrating.options import MigrationOptions, MigrationReport, SchemaResult
from smartmodels.tenancy.triggers import literal

__all__ = ["begin_run", "finish_run", "outcome_sql", "tell_failure"]


def begin_run(slugs: list[str], options: MigrationOptions, using: str) -> UUID:
    """Record that a run begins; return its key."""
    opened = require_operation()
    with public_scope():
        run = get_migration_run_model().objects.using(using).create(
            actor_kind=opened.actor.kind, actor_label=opened.actor.label[:254], operation_id=opened.id,
            options=asdict(options), namespaces=slugs,
        )  # fmt: skip
    key: UUID = run.pk
    return key


def finish_run(report: MigrationReport, using: str) -> None:
    """Record what came of the run."""
    with public_scope():
        get_migration_run_model().objects.using(using).filter(pk=report.run).update(
            finished_at=Now(), migrated=len(report.migrated), failed=len(report.failed),
            untried=len(report.untried),
        )  # fmt: skip


def outcome_sql(  # noqa: PLR0913 - the columns of a row
    run: UUID,
    namespace: Any,
    migration: str,
    way: str,
    *,
    seconds: float | None = None,
    code: str = "",
    error: str = "",
) -> str:
    """Return the statement that records an outcome; without ``seconds``, the transaction's age so far."""
    table = get_migration_outcome_model()._meta.db_table
    took = (
        "extract(epoch FROM clock_timestamp() - transaction_timestamp())"
        if seconds is None
        else f"{seconds:.6f}"
    )
    texts = (str(run), namespace.slug, namespace.schema_name, migration, way, code, error)
    values = ", ".join(literal(text.replace("\0", "")) for text in texts)
    return (
        f'INSERT INTO public."{table}" (run_id, slug, schema_name, migration, way, error_code, error, '  # noqa: S608
        f"seconds, finished_at) VALUES ({values}, {took}, clock_timestamp())"
    )


def tell_failure(run: UUID, namespace: Any, migration: str, result: SchemaResult, using: str) -> None:
    """Record a failure. Where even that fails, as on a full disk, the report still tells of it."""
    statement = outcome_sql(
        run,
        namespace,
        migration,
        "",
        seconds=result.seconds,
        code=result.code or "",
        error=result.error or "",
    )
    try:
        with public_scope(), connections[using].cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        result.note = f"The failure could not be recorded: {' '.join(str(error).split())}"
        connections[using].close()
