"""What is done for the platform as a whole: chains of history, retention, usage, the queue itself."""

from __future__ import annotations

from typing import Any

from django.db import close_old_connections, connection
from django.utils import timezone

from shared_apps.operations.models import UsageSample
from smartmodels.conf import settings
from smartmodels.context import namespace_scope
from smartmodels.history.evidence import anchor
from smartmodels.jobs import declared, job, progress, prune_jobs
from smartmodels.softdelete import purge_expired
from smartmodels.softdelete.purging import smart_models
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.placement import is_tenant_model
from smartmodels.tenancy.remembering import forget_expired

__all__ = ["anchor_history", "forget_answers", "prune_queue", "purge", "purge_namespace", "sample_usage"]


def _namespaces(*states: State) -> list[Any]:
    return list(get_namespace_model().objects.filter(state__in=states).order_by("slug"))


@job("operations.anchor_history", atomic=False, every="* * * * *", timeout=3600)
def anchor_history() -> int:
    """Chain what was written in every namespace; return how many segments were linked."""
    namespaces, linked = _namespaces(State.ACTIVE, State.MAINTENANCE, State.SUSPENDED), 0
    for number, namespace in enumerate(namespaces):
        progress(number, len(namespaces), namespace.slug)
        with namespace_scope(namespace):
            linked += anchor()[0]
        close_old_connections()  # one that met many schemas
    return linked


@job("operations.purge", every="40 2 * * *")
def purge() -> int:
    """Queue the purge of every active namespace, each a job of its own; return how many."""
    namespaces = _namespaces(State.ACTIVE)
    for namespace in namespaces:
        with namespace_scope(namespace):
            purge_namespace.enqueue(key="")
    return len(namespaces)


@job("operations.purge_namespace", atomic=False, timeout=3600)
def purge_namespace() -> int:
    """Remove for good what has expired in the bound namespace; return the number of rows."""
    models = [model for model in smart_models() if is_tenant_model(model)]
    purged = purge_expired(models, progress=lambda model, rows: progress(rows, None, model._meta.label_lower))
    return sum(each.total() for each in purged)


_USAGE = """
SELECT n.nspname, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint,
       coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname = ANY(%s)
GROUP BY n.nspname
"""


@job("operations.sample_usage", atomic=False, every="20 * * * *", timeout=3600)
def sample_usage() -> int:
    """Note how much every namespace holds today; the last sample of a day stays. Return how many.

    Bytes are those of tables with their indexes, rows what PostgreSQL's last ANALYZE counted.
    """
    namespaces = {
        each.schema_name: each for each in _namespaces(State.ACTIVE, State.MAINTENANCE, State.SUSPENDED)
    }
    schemas, size, today = sorted(namespaces), settings().SCHEMAS_PER_STATEMENT, timezone.now().date()
    for first in range(0, len(schemas), size):
        progress(first, len(schemas))
        with connection.cursor() as cursor:
            cursor.execute(_USAGE, [schemas[first : first + size]])
            found = cursor.fetchall()
        UsageSample.objects.bulk_create(
            [
                UsageSample(
                    namespace_id=namespaces[schema].pk,
                    slug=namespaces[schema].slug,
                    day=today,
                    bytes=size_in_bytes,
                    rows=rows,
                )
                for schema, size_in_bytes, rows in found
            ],
            update_conflicts=True,
            unique_fields=["namespace_id", "day"],
            update_fields=["slug", "bytes", "rows"],
        )
    return len(schemas)


@job("operations.prune_queue", atomic=False, every="50 * * * *", timeout=3600)
def prune_queue() -> int:
    """Forget jobs that ended longer than ``SMARTMODELS_JOB_KEEP_DAYS`` ago; return how many."""
    total, routine = 0, [name for name, each in declared().items() if each.every is not None]
    while pruned := prune_jobs(days=settings().JOB_KEEP_DAYS, routine=routine):
        total += pruned
        progress(total)
    return total


@job("operations.forget_answers", every="35 * * * *")
def forget_answers() -> int:
    """Forget kept answers, and imports, that are too old to be asked for; return how many."""
    return forget_expired()
