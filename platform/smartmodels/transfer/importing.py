"""Make a namespace of a file: load, verify, and only then let it be served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.db import DatabaseError, transaction

from smartmodels.context import namespace_scope, public_scope
from smartmodels.exceptions import InvalidInput, SmartModelsError
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.migrating import migrate_namespace
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.names import validate_slug
from smartmodels.transfer.accounts import Owners, erasing, map_accounts, map_kinds, move_keys, read_references
from smartmodels.transfer.anchoring import load_anchors
from smartmodels.transfer.archive import ArchiveReader, refuse
from smartmodels.transfer.catalogue import tables_of
from smartmodels.transfer.exporting import Progress, silent
from smartmodels.transfer.fresh import make_fresh
from smartmodels.transfer.loading import check_tables, filling, load_tables, refusing_rows
from smartmodels.transfer.manifest import Manifest, read_manifest
from smartmodels.transfer.members import join_members
from smartmodels.transfer.migrations import require_known
from smartmodels.transfer.proving import require_intact
from smartmodels.transfer.recording import recording
from smartmodels.transfer.uploads import load_uploads, require_bounded

__all__ = [
    "Imported",
    "Wish",
    "check_archive",
    "import_namespace",
    "load_archive",
    "load_rows",
    "loading",
    "plan_import",
]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new namespace is to be: whose, and its slug and title where they are not to be the source's."""

    owner: Any
    slug: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made: the namespace, active, and how many rows, inactive accounts, files and members."""

    namespace: Any
    rows: int
    accounts_made: int
    files: int = 0
    members: int = 0


def check_archive(file: BinaryIO, *, progress: Progress = silent) -> tuple[ArchiveReader, Manifest]:
    """Read a file from end to end; return what it holds. Nothing is written.

    Raises ArchiveInvalid for one that no export wrote or that was changed since, ArchiveNewer for one of
    newer code.
    """
    reader = ArchiveReader(file)
    manifest = read_manifest(reader)
    require_known(manifest.migrations)
    progress("checksums")
    too_much = refuse("its uploaded files are more bytes than SMARTMODELS_TRANSFER_FILE_BYTES allows.")
    require_bounded(sum(each.bytes for each in manifest.files), too_much)
    for part in manifest.held():
        for _ in reader.chunks(part.file, part.sha256):
            pass
    return reader, manifest


def load_archive(
    reader: ArchiveReader, manifest: Manifest, bound: Any, *, owners: Owners, progress: Progress
) -> int:
    """Make the schema of ``bound`` and fill it, then migrate and verify it; return how many accounts it took.

    ``bound`` is a namespace that is not served, or a second schema of one that is.
    """
    make_fresh(bound, manifest.migrations, progress=progress)
    made = load_rows(reader, manifest, bound, owners=owners, progress=progress)
    if manifest.files:
        progress("files")
        load_uploads(reader, manifest, bound.schema_name)
    migrate_namespace(bound, progress=progress)
    progress("verify")
    require_intact(bound)
    return made


def load_rows(
    reader: ArchiveReader, manifest: Manifest, bound: Any, *, owners: Owners, progress: Progress = silent
) -> int:
    """Fill the schema of ``bound``, in one transaction, with what the archive holds; return as above.

    Rows refer to accounts and content types as they are here afterwards; where that changes a version,
    the ledger records it.
    """
    schema = bound.schema_name
    tables = tables_of(schema)
    check_tables(manifest, tables)
    with public_scope(), refusing_rows(), transaction.atomic():
        with filling(schema, tables):
            load_tables(reader, manifest, schema, progress)
            read_references(reader, manifest)
            made = map_accounts(manifest.sentinel, owners)
            map_kinds()
            move_keys(schema, tables, versions=False)
        with namespace_scope(bound), erasing():
            move_keys(schema, tables, versions=True)
        load_anchors(reader, manifest, bound)
    return made


@contextmanager
def loading(slug: str, *, name: str, owner: Any) -> Iterator[Any]:
    """Reserve a namespace for rows from elsewhere; the block fills it, then it is finished and served.

    Until then its state is ``loading``: nobody finishes it without its rows, and if the block fails, or
    its process is killed, there is nothing but a reservation that ``namespace rollback`` removes.
    """
    with public_scope(), transaction.atomic():
        namespace = provisioning.reserve(slug, name=name, owner=owner)
        _become(namespace, State.LOADING)
    with provisioning.exclusively(namespace):
        try:
            yield namespace
            _become(namespace, State.CREATING)
        except BaseException:
            # What cannot be removed now is removed by `namespace rollback`.
            with suppress(DatabaseError, SmartModelsError):
                provisioning.rollback(namespace)
            raise
        provisioning.resume(namespace)


def _become(namespace: Any, state: State) -> None:
    namespace.state = state
    get_namespace_model().objects.filter(pk=namespace.pk).update(state=state)


def import_namespace(
    file: BinaryIO,
    wish: Wish,
    *,
    owners: Owners = Owners.CREATE,
    members: bool = False,
    progress: Progress = silent,
) -> Imported:
    """Make a namespace of what :func:`export_namespace` wrote; return it active.

    Its slug and name are the file's unless given. All of it is checked before anything is made, and the
    history is verified before it is served. With ``members``, those of the file that have an account here,
    by its address, are members in their roles. Raises what :func:`check_archive` and
    :func:`smartmodels.tenancy.provisioning.reserve` raise.
    """
    reader, manifest = check_archive(file, progress=progress)
    slug = wish.slug or manifest.slug
    with (
        loading(slug, name=wish.name or manifest.name, owner=wish.owner) as namespace,
        recording("import", namespace, fingerprint=manifest.fingerprint),
    ):
        made = load_archive(reader, manifest, namespace, owners=owners, progress=progress)
        joined = join_members(namespace, manifest.members) if members else 0
    return Imported(namespace, manifest.rows, made, len(manifest.files), joined)


def plan_import(file: BinaryIO, *, slug: str = "", progress: Progress = silent) -> Manifest:
    """Raise what :func:`import_namespace` would raise before it makes anything; return what it would load."""
    _, manifest = check_archive(file, progress=progress)
    wanted = validate_slug(slug or manifest.slug)
    with public_scope():
        if get_namespace_model().objects.filter(slug=wanted).exists():
            raise InvalidInput(f"A namespace {wanted!r} exists already: choose another slug.", slug=wanted)
    return manifest
