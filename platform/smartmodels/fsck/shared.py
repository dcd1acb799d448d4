"""What belongs to no namespace: rows of those that are gone, and schemas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

from django.apps import apps
from django.db import connection

from smartmodels.exceptions import NamespaceBusy, NamespaceFailed
from smartmodels.fsck.findings import Check, Finding, keys_of
from smartmodels.tenancy.locking import exclusively
from smartmodels.tenancy.migrating import forget_schema_state
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.names import SCHEMA_MARK
from smartmodels.tenancy.placement import is_tenant_model
from smartmodels.tenancy.schemas import drop_schema, marked_schemas, schema_mark
from smartmodels.tenancy.setting_aside import identity_of
from smartmodels.tenancy.triggers import literal, quoted
from smartmodels.tenancy.uploads import remove_uploads, upload_folders

__all__ = ["OF_NOBODY", "OF_SCHEMAS", "SHARED"]

_WITH_SCHEMA = (State.ACTIVE, State.MAINTENANCE, State.SUSPENDED, State.ARCHIVED)


# Rows of namespaces that are gone


def _mentions() -> Iterator[tuple[Any, str]]:
    """Yield the shared models and columns that name a namespace.

    Rows of models with ``outlives_namespace``, such as the audit, stay whatever becomes of it.
    """
    namespace = get_namespace_model()
    for model in apps.get_models():
        if is_tenant_model(model) or not model._meta.managed or getattr(model, "outlives_namespace", False):
            continue
        for field in model._meta.concrete_fields:
            to = field.remote_field.model if field.remote_field is not None else None
            if to is namespace or field.attname == "namespace_id":
                yield model, str(field.column)


def _find_mentions(_: Any) -> Iterator[Finding]:
    namespaces = quoted(get_namespace_model()._meta.db_table)
    for model, column in _mentions():
        table, name = quoted(model._meta.db_table), quoted(column)
        keys = keys_of(
            f"SELECT {quoted(model._meta.pk.column)} FROM {table} t WHERE {name} IS NOT NULL "  # noqa: S608
            f"AND NOT EXISTS (SELECT FROM {namespaces} n WHERE n.id = t.{name}) ORDER BY 1"
        )
        if keys:
            place = f"{model._meta.db_table}.{column}"
            what = f"{len(keys)} rows are of namespaces that do not exist."
            yield Finding("namespace-missing", None, place, len(keys), what, about=(model, keys))


def _mend_mentions(_: Any, found: list[Finding]) -> None:
    for finding in found:
        model, keys = finding.about
        model._base_manager.filter(pk__in=keys).delete()


# Schemas


def _find_schemas(_: Any) -> Iterator[Finding]:
    rows = get_namespace_model().objects.filter(state__in=_WITH_SCHEMA).order_by("slug")
    for namespace in rows:
        schema, wanted = namespace.schema_name, f"{SCHEMA_MARK} {namespace.pk}"
        mark = schema_mark(schema)
        if mark is None:
            what = "The namespace has no schema: restore a backup of it, or delete it."
            yield Finding("schema-missing", namespace.slug, schema, 1, what, mendable=False)
        elif mark != wanted:
            what = "The schema does not bear the mark of its namespace."
            yield Finding("schema-unmarked", namespace.slug, schema, 1, what, mark == "", (schema, wanted))


def _mend_marks(_: Any, found: list[Finding]) -> None:
    with connection.cursor() as cursor:
        for finding in found:
            schema, mark = finding.about
            cursor.execute(f"COMMENT ON SCHEMA {quoted(schema)} IS {literal(mark)}")


def _find_leftovers(_: Any) -> Iterator[Finding]:
    # Schemas first: a namespace that is made meanwhile is known then.
    marks = marked_schemas()
    namespaces = list(get_namespace_model().objects.order_by("slug"))
    served = {namespace.schema_name for namespace in namespaces}
    for schema in sorted(marks.keys() - served):
        of = next((each for each in namespaces if marks[schema] == _mark_aside(each, schema)), None)
        what = (
            "The schema bears our mark, and no namespace is served from it."
            if of is None
            else "A restore set this schema aside, or did not finish it."
        )
        about = (schema, marks[schema], of)
        yield Finding("schema-left", of and of.slug, schema, 1, what, about=about)


def _mark_aside(namespace: Any, schema: str) -> str:
    return f"{SCHEMA_MARK} {identity_of(namespace, schema)}"


def _drop_leftovers(_: Any, found: list[Finding]) -> None:
    """Drop what is still as it was found, and whose namespace nobody is at work on."""
    for finding in found:
        schema, mark, namespace = finding.about
        with suppress(NamespaceBusy, NamespaceFailed), exclusively(namespace) if namespace else nullcontext():
            if drop_schema(schema, mark.removeprefix(f"{SCHEMA_MARK} ")):
                forget_schema_state(schema)


# Uploaded files


def _find_uploads(_: Any) -> Iterator[Finding]:
    # Folders first: a schema that is made meanwhile is known then.
    folders = upload_folders()
    there = set(
        keys_of("SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY(%s)", [list(folders)])
    )
    # One whose schema is lost is brought back from a backup, maybe one without files.
    rows = get_namespace_model().objects.exclude(state=State.DELETED)
    there |= set(rows.values_list("schema_name", flat=True))
    for folder in sorted(folders.keys() - there):
        what = "Uploaded files of a schema that does not exist: nobody can reach them."
        yield Finding("uploads-left", None, folder, folders[folder], what, about=folder)


def _remove_uploads(_: Any, found: list[Finding]) -> None:
    for finding in found:
        remove_uploads(finding.about)


SHARED = (
    Check("namespace-missing", _find_mentions, _mend_mentions),
    Check("schema-unmarked", _find_schemas, _mend_marks),
)
OF_SCHEMAS = Check("schema-left", _find_leftovers, _drop_leftovers)
OF_NOBODY = (OF_SCHEMAS, Check("uploads-left", _find_uploads, _remove_uploads))
"""What is kept and nobody is served from: mending it is removing it."""
