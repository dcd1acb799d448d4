"""Copy a namespace into a new one, within the server; with ``anonymise``, nobody can be told from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from smartmodels.conf import settings
from smartmodels.context import namespace_scope, public_scope
from smartmodels.exceptions import InvalidInput
from smartmodels.history import history_model
from smartmodels.history.evidence import renew
from smartmodels.tenancy.migrating import migrate_namespace
from smartmodels.transfer.anchoring import copy_anchors
from smartmodels.transfer.anonymising import anonymise_copy
from smartmodels.transfer.catalogue import Table, qualified, sequence_states, tables_of
from smartmodels.transfer.exporting import (
    Progress,
    plan_export,
    require_rows,
    require_served,
    silent,
)
from smartmodels.transfer.fresh import make_fresh
from smartmodels.transfer.importing import Wish, loading
from smartmodels.transfer.loading import filling, quietly, refusing_rows, set_sequences
from smartmodels.transfer.migrations import migrations_of
from smartmodels.transfer.proving import require_intact
from smartmodels.transfer.recording import recording
from smartmodels.transfer.uploads import copy_uploads

__all__ = ["Cloned", "clone_namespace", "plan_clone"]


@dataclass(frozen=True, slots=True)
class Cloned:
    """What a clone is: the new namespace, active, how many rows and files it has, which files are missing."""

    namespace: Any
    rows: int
    anonymised: bool
    files: int = 0
    missing: tuple[str, ...] = ()


def clone_namespace(
    source: Any, wish: Wish, *, anonymise: bool = False, files: bool = True, progress: Progress = silent
) -> Cloned:
    """Copy every row of ``source``, as of one moment and with its history, into a new namespace.

    Members, hosts, sessions, tokens, keys, applications, allowed origins, grants and the rows of
    ``SMARTMODELS_CLONE_EXCLUDE`` stay behind; so do uploaded files with ``anonymise``, or unless ``files``.
    With ``anonymise``, people become pseudonyms that nothing leads back from, in history as well, and no row
    names a file: what a file shows, or is called, cannot be made anonymous. Then, and where versions stay
    behind, the evidence of history begins anew. Raises what
    :func:`smartmodels.tenancy.provisioning.reserve` raises.
    """
    require_rows(source)
    _require_models(source)
    if not wish.slug:
        raise InvalidInput("A clone needs a slug of its own.", field="slug")
    with (
        recording("clone", source, into=wish.slug, anonymise=anonymise),
        loading(wish.slug, name=wish.name or wish.slug, owner=wish.owner) as target,
    ):
        make_fresh(target, migrations_of(source.schema_name), progress=progress)
        rows = _copy(source, target, anonymise, progress)
        held: int = 0
        missing: tuple[str, ...] = ()
        if files and not anonymise:
            progress("files")
            tables = tables_of(target.schema_name)
            held, missing = copy_uploads(source.schema_name, target.schema_name, tables)
        migrate_namespace(target, progress=progress)
        if _renews(anonymise):
            with namespace_scope(target), quietly(target.schema_name, tables_of(target.schema_name)):
                renew()
        progress("verify")
        require_intact(target)
    return Cloned(target, rows, anonymise, held, missing)


def plan_clone(source: Any) -> dict[str, int]:
    """Return how many rows a clone would have, by table."""
    left = _excluded()
    return {name: rows for name, rows in plan_export(source).items() if name not in left}


def _require_models(source: Any) -> None:
    """Raise InvalidInput unless every model of ``SMARTMODELS_CLONE_EXCLUDE`` is one."""
    try:
        _excluded()
    except (LookupError, ValueError) as error:
        raise InvalidInput(
            f"{source.slug} cannot be cloned: SMARTMODELS_CLONE_EXCLUDE names no model. {error}"
        ) from error


def _excluded() -> set[str]:
    """Return the tables that stay behind, with those of their versions."""
    tables = set()
    for label in settings().CLONE_EXCLUDE:
        model: Any = apps.get_model(label)
        tables.add(model._meta.db_table)
        if hasattr(model, "history"):
            tables.add(history_model(model)._meta.db_table)
    return tables


def _renews(anonymise: bool) -> bool:
    """Tell whether the versions of the clone are others than those that the evidence vouches for."""
    return anonymise or bool(_excluded())


def _begin_moment() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _copy(source: Any, target: Any, anonymise: bool, progress: Progress) -> int:
    begins = not connection.in_atomic_block
    with public_scope(), refusing_rows(), transaction.atomic():
        if begins:
            _begin_moment()
        require_served(source)
        tables = tables_of(target.schema_name)
        if tables_of(source.schema_name) != tables:
            raise InvalidInput(
                f"The tables of {source.slug!r} are not what its migrations make, or were being migrated: "
                "see `namespace fsck`.",
                slug=source.slug,
            )
        with filling(target.schema_name, tables):
            rows = _copy_rows(source.schema_name, target.schema_name, tables, progress)
            set_sequences(target.schema_name, sequence_states(source.schema_name))
            if anonymise:
                progress("anonymise")
                anonymise_copy(target.schema_name, tables)
        if not _renews(anonymise):
            copy_anchors(source, target)
    return rows


def _copy_rows(source: str, target: str, tables: Iterable[Table], progress: Progress) -> int:
    left, rows = _excluded(), 0
    with connection.cursor() as cursor:
        for table in tables:
            if table.name not in left:
                progress(table.name)
                cursor.execute(
                    f"INSERT INTO {qualified(target, table.name)} ({table.listed()}) "  # noqa: S608
                    f"SELECT {table.listed()} FROM {qualified(source, table.name)}"
                )
                rows += cursor.rowcount
    return rows
