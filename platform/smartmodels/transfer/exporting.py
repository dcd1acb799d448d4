"""Write a namespace into one file: its tables, and what of the shared ones its rows refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from django.apps import apps
from django.db import connection

from smartmodels.conf import settings
from smartmodels.context import namespace_scope, public_scope
from smartmodels.exceptions import InvalidInput, NamespaceBusy
from smartmodels.history.evidence.snapshots import moment
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy.models import State, get_membership_model, get_namespace_model
from smartmodels.tenancy.triggers import literal, quoted
from smartmodels.transfer.archive import ArchiveWriter
from smartmodels.transfer.catalogue import (
    Table,
    fingerprint,
    qualified,
    sequence_states,
    tables_of,
)
from smartmodels.transfer.manifest import Manifest, Part, write_manifest
from smartmodels.transfer.migrations import migrations_of
from smartmodels.transfer.recording import recording
from smartmodels.transfer.references import (
    ACCOUNTS,
    ANCHORS,
    KINDS,
    SHARED,
    account_columns,
    kind_columns,
    referred,
    user_model,
)
from smartmodels.transfer.uploads import write_uploads

__all__ = [
    "WITH_ROWS",
    "Progress",
    "describe_export",
    "export_namespace",
    "plan_export",
    "require_rows",
    "require_served",
    "silent",
]

Progress = Callable[[str], None]
"""Called with what is done next, such as the name of a table."""

WITH_ROWS = (State.ACTIVE, State.MAINTENANCE, State.SUSPENDED, State.ARCHIVED)
"""States of namespaces whose rows are all there."""


def silent(_: str) -> None:
    """Report to nobody."""


def require_rows(namespace: Any) -> None:
    """Raise InvalidInput unless the namespace is finished, so that its rows are all there."""
    if namespace.state not in WITH_ROWS:
        raise InvalidInput(
            f"Namespace {namespace.slug!r} is {namespace.state}: only one that is active, suspended, "
            "archived or under maintenance has rows to copy.",
            slug=namespace.slug,
        )


def require_served(namespace: Any) -> None:
    """Raise NamespaceBusy when the namespace is served from another schema by now, or from none."""
    rows = get_namespace_model().objects.filter(pk=namespace.pk, schema_name=namespace.schema_name)
    with public_scope():
        if not rows.exists():
            raise NamespaceBusy(
                f"{namespace.slug!r} was restored or removed a moment ago: try again.", slug=namespace.slug
            )


def plan_export(namespace: Any) -> dict[str, int]:
    """Return how many rows an export would hold, by table; raise InvalidInput as it would."""
    require_rows(namespace)
    schema, counts = namespace.schema_name, {}
    with namespace_scope(namespace), moment(), connection.cursor() as cursor:
        for table in tables_of(schema):
            cursor.execute(f"SELECT count(*) FROM {qualified(schema, table.name)}")  # noqa: S608
            counts[table.name] = int(cursor.fetchone()[0])
    return counts


def _copied(statement: str) -> Iterator[Any]:
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({statement}) TO STDOUT") as copy,
    ):
        yield from copy


def _rows(schema: str, table: Table) -> str:
    order = table.order() or 't::text COLLATE "C"'
    return f"SELECT {table.listed()} FROM {qualified(schema, table.name)} t ORDER BY {order}"  # noqa: S608


def _accounts(schema: str, tables: list[Table]) -> str:
    user = user_model()
    email = quoted(user._meta.get_field(user.EMAIL_FIELD).column)
    keys = referred(schema, account_columns(tables), "uuid")
    return (
        f"SELECT {quoted(user._meta.pk.column)}, {email}, name FROM "  # noqa: S608 - names of models
        f"{qualified('public', user._meta.db_table)} WHERE {quoted(user._meta.pk.column)} IN ({keys}) "
        f"AND {quoted(user._meta.pk.column)} <> {literal(str(sentinel_id()))} ORDER BY 1"
    )


def _anchors(namespace: Any) -> str:
    table = qualified("public", apps.get_model(settings().ANCHOR_MODEL)._meta.db_table)
    return (
        f"SELECT {', '.join(SHARED[ANCHORS])} FROM {table} "  # noqa: S608
        f"WHERE namespace_id = {literal(str(namespace.pk))} ORDER BY position"
    )


def _kinds(schema: str, tables: list[Table]) -> str:
    table = qualified("public", apps.get_model("contenttypes", "ContentType")._meta.db_table)
    keys = referred(schema, kind_columns(tables), "integer")
    return f"SELECT id, app_label, model FROM {table} WHERE id IN ({keys}) ORDER BY 1"  # noqa: S608


def _write(writer: ArchiveWriter, folder: str, name: str, columns: tuple[str, ...], statement: str) -> Part:
    member = writer.add(f"{folder}/{name}.copy", _copied(statement))
    return Part(name, member.name, columns, member.lines, member.size, member.sha256)


def export_namespace(
    namespace: Any, file: BinaryIO, *, files: bool = True, members: bool = False, progress: Progress = silent
) -> Manifest:
    """Write the namespace into a file that can seek; return what it holds.

    All rows are of one moment, and nothing waits for them to be read. The same rows and files give the same
    bytes. Memory does not grow with them. Uploaded files that rows name come along unless not ``files``;
    one that is not there is named in the manifest. With ``members`` it says who they are, by address and
    role. Raises InvalidInput for a namespace that is half-made or going.
    """
    require_rows(namespace)
    with recording("export", namespace):
        return _export(namespace, file, files, members, progress)


def _export(namespace: Any, file: BinaryIO, files: bool, members: bool, progress: Progress) -> Manifest:
    writer, schema = ArchiveWriter(file), namespace.schema_name
    with namespace_scope(namespace), moment():
        require_served(namespace)
        tables = tables_of(schema)
        parts = []
        for table in tables:
            progress(table.name)
            parts.append(_write(writer, "tables", table.name, table.columns, _rows(schema, table)))
        shared = {ACCOUNTS: _accounts(schema, tables), ANCHORS: _anchors(namespace),
                  KINDS: _kinds(schema, tables)}  # fmt: skip
        others = [_write(writer, "shared", name, SHARED[name], sql) for name, sql in shared.items()]
        manifest = _manifest(namespace, tables, tuple(parts), tuple(others))
        if files:
            progress("files")
            held, missing = write_uploads(writer, schema, tables)
            manifest = replace(manifest, files=held, missing=missing)
        if members:
            manifest = replace(manifest, members=_members(namespace))
        left = [name for name, held in (("files", files), ("memberships", members)) if not held]
        manifest = replace(manifest, left_out=tuple(sorted((*manifest.left_out, *left))))
    write_manifest(writer, manifest)
    writer.close()
    return manifest


def _manifest(
    namespace: Any, tables: list[Table], parts: tuple[Part, ...], shared: tuple[Part, ...]
) -> Manifest:
    migrations = migrations_of(namespace.schema_name)
    return Manifest(
        slug=namespace.slug,
        name=namespace.name,
        sentinel=str(sentinel_id()),
        migrations=migrations,
        fingerprint=fingerprint(tables, migrations),
        tables=parts,
        shared=shared,
        sequences=sequence_states(namespace.schema_name),
    )


def _members(namespace: Any) -> tuple[tuple[str, str], ...]:
    with public_scope():
        rows = get_membership_model().objects.filter(namespace=namespace).order_by("user__email")
        return tuple(rows.values_list("user__email", "role"))


def describe_export(manifest: Manifest) -> dict[str, Any]:
    """Return what people want to know of an archive."""
    return {
        "slug": manifest.slug,
        "name": manifest.name,
        "format": manifest.format,
        "fingerprint": manifest.fingerprint,
        "tables": {part.table: part.rows for part in manifest.tables if part.rows},
        "rows": manifest.rows,
        "accounts": manifest.part(ACCOUNTS).rows,
        "files": len(manifest.files),
        "missing": list(manifest.missing),
        "members": len(manifest.members),
        "left_out": list(manifest.left_out),
    }
