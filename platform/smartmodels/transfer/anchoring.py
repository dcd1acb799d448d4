"""Anchors of a namespace's history, which live outside of its schema."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection

from smartmodels.conf import settings
from smartmodels.transfer.archive import ArchiveReader
from smartmodels.transfer.catalogue import qualified
from smartmodels.transfer.loading import copy_in
from smartmodels.transfer.manifest import Manifest
from smartmodels.transfer.references import ANCHORS, SHARED

__all__ = ["copy_anchors", "load_anchors"]

_COLUMNS = ", ".join(SHARED[ANCHORS])


def _table() -> str:
    return qualified("public", apps.get_model(settings().ANCHOR_MODEL)._meta.db_table)


def load_anchors(reader: ArchiveReader, manifest: Manifest, namespace: Any) -> None:
    """Note the anchors of the archive as the namespace's; those it has already stay as they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE transfer_anchors ON COMMIT DROP AS SELECT {_COLUMNS} FROM {_table()} LIMIT 0"  # noqa: S608
        )
        copy_in("pg_temp.transfer_anchors", manifest.part(ANCHORS), reader)
        cursor.execute(
            f"INSERT INTO {_table()} (namespace_id, {_COLUMNS}) "  # noqa: S608
            f"SELECT %s, {_COLUMNS} FROM transfer_anchors ORDER BY position ON CONFLICT DO NOTHING",
            [namespace.pk],
        )


def copy_anchors(source: Any, target: Any) -> None:
    """Note the anchors of one namespace as those of its copy."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table()} (namespace_id, {_COLUMNS}) "  # noqa: S608
            f"SELECT %s, {_COLUMNS} FROM {_table()} WHERE namespace_id = %s ORDER BY position",
            [target.pk, source.pk],
        )
