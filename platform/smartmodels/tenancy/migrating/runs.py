"""The recorded runs: who migrated what when, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections
from django.db.models.functions import Now

from smartmodels.context import public_scope, require_operation
from smartmodels.exceptions import RunUnknown
from smartmodels.tenancy.migrating.models import (
    Way,
    get_migration_outcome_model,
    get_migration_run_model,
)
from smartmodels.tenancy.migrating.options import MigrationOptions, MigrationReport, SchemaResult
from smartmodels.tenancy.migrating.states import Key
from smartmodels.tenancy.triggers import literal

__all__ = [
    "begin_run",
    "describe_outcomes",
    "describe_run",
    "done_sql",
    "find_run",
    "finish_run",
    "outcome_sql",
    "outcomes_of",
    "recent_runs",
    "tell_failure",
]


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
    seconds: float,
    code: str = "",
    error: str = "",
) -> str:
    """Return the statement that records an outcome."""
    table = get_migration_outcome_model()._meta.db_table
    texts = (str(run), namespace.slug, namespace.schema_name, migration, way, code, error)
    values = ", ".join(literal(text.replace("\0", "")) for text in texts)
    return (
        f'INSERT INTO public."{table}" (run_id, slug, schema_name, migration, way, error_code, error, '  # noqa: S608
        f"seconds, finished_at) VALUES ({values}, {seconds:.6f}, clock_timestamp())"
    )


def done_sql(run: UUID, namespace: Any, keys: Sequence[Key], after: str) -> str:
    """Return the statement that records a replay, in the schema and as an outcome, and how long it took.

    It insists that the schema had none of them, and has by now what the fingerprint ``after`` is of.
    """
    apps, names = (", ".join(map(literal, each)) for each in zip(*keys, strict=True))
    values = map(literal, (after, str(run), namespace.slug, Way.REPLAYED.value))
    where = literal(namespace.schema_name)
    return f"SELECT public.smartmodels_migrated({where}, ARRAY[{apps}], ARRAY[{names}], {', '.join(values)})"


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


# Reading them


def outcomes_of(run: UUID, migration: str, schemas: Sequence[str], using: str) -> dict[str, float]:
    """Return in which of the schemas the run applied the migration, with the seconds that took."""
    with public_scope():
        rows = get_migration_outcome_model().objects.using(using)
        done = rows.filter(run=run, migration=migration, schema_name__in=schemas, error_code="")
        return dict(done.values_list("schema_name", "seconds"))


def recent_runs(limit: int) -> list[Any]:
    """Return the newest runs."""
    with public_scope():
        return list(get_migration_run_model().objects.order_by("-id")[: max(limit, 0)])


def find_run(key: str) -> Any:
    """Return the run of this id; raise RunUnknown."""
    try:
        wanted = UUID(key)
    except ValueError:
        wanted = None
    with public_scope():
        run = get_migration_run_model().objects.filter(pk=wanted).first() if wanted else None
    if run is None:
        raise RunUnknown(f"There is no run {key!r}: see `manage.py namespace runs`.")
    return run


def describe_run(run: Any) -> dict[str, Any]:
    """Return all that is known of a run but its outcomes; one cut off has no end."""
    seconds = None if run.finished_at is None else (run.finished_at - run.started_at).total_seconds()
    return {
        "id": str(run.pk), "started_at": run.started_at.isoformat(timespec="seconds"),
        "seconds": None if seconds is None else round(seconds, 3),
        "finished": run.finished_at is not None, "actor": f"{run.actor_kind} {run.actor_label}",
        "operation": str(run.operation_id), "options": run.options, "namespaces": run.namespaces,
        "migrated": run.migrated, "failed": run.failed, "untried": run.untried,
    }  # fmt: skip


def describe_outcomes(run: Any) -> list[dict[str, Any]]:
    """Return what came of each migration in each namespace, in order."""
    names = ("slug", "schema_name", "migration", "way", "seconds", "error_code", "error")
    with public_scope():
        return list(run.outcomes.order_by("id").values(*names))
