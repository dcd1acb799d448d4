"""Uploaded files: each namespace has its own, on its host, in its archives and in its copies."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import override_settings
from rest_framework.exceptions import ValidationError

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Membership, Namespace
from smartmodels.context import Actor, namespace_scope, operation, public_scope
from smartmodels.exceptions import InvalidInput, NamespaceNotBound
from smartmodels.fsck import check_namespaces
from smartmodels.history.evidence import verify
from smartmodels.rest.fields import UploadedImageField, UploadField
from smartmodels.tenancy import life
from smartmodels.transfer import (
    Wish,
    back_up,
    clone_namespace,
    export_namespace,
    import_namespace,
    restore_namespace,
)
from smartmodels.transfer.archive import ArchiveReader, ArchiveWriter
from smartmodels.transfer.errors import ArchiveInvalid
from smartmodels.transfer.manifest import read_manifest, write_manifest
from tests.support.lives import act, remove
from tests.support.moving import exported, forget_accounts
from tests.zoo.models import Animal, Enclosure

CONTENT = bytes(range(256)) * 3000


@pytest.fixture(autouse=True)
def media(tmp_path: Path) -> Any:
    """A folder for files, of this test alone."""
    with override_settings(MEDIA_ROOT=str(tmp_path / "media")):
        yield tmp_path / "media"


def upload(namespace: Any, user: Any, content: bytes = CONTENT, name: str = "a.jpg") -> Any:
    """An animal with a photo."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        yard = Enclosure.objects.create(name=name)
        return Animal.objects.create(name=name, enclosure=yard, photo=ContentFile(content, name))


def files_of(namespace: Any, media: Path) -> dict[str, bytes]:
    """What is in the folder of the namespace."""
    folder = media / namespace.schema_name
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def as_system(work: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """Call it with an actor."""
    with operation(actor=Actor.system("tests")):
        return work(*values, **named)


# Storing and serving


def test_upload__of_two_namespaces__is_kept_apart(
    alpha: Any, beta: Any, ana: Any, bea: Any, media: Path
) -> None:
    """The same name is another file."""
    upload(alpha, ana, b"alpha")
    upload(beta, bea, b"beta")
    assert (files_of(alpha, media), files_of(beta, media)) == (
        {"animals/a.jpg": b"alpha"},
        {"animals/a.jpg": b"beta"},
    )


def test_storage__with_no_namespace_bound__has_no_files(alpha: Any, ana: Any) -> None:
    """Unbound means closed."""
    upload(alpha, ana)
    with public_scope(), pytest.raises(NamespaceNotBound):
        default_storage.exists("animals/a.jpg")


def test_storage__with_a_name_that_leads_elsewhere__refuses(alpha: Any, beta: Any, bea: Any) -> None:
    """Not even into the folder of another namespace."""
    upload(beta, bea)
    with namespace_scope(alpha), pytest.raises(SuspiciousFileOperation):
        default_storage.open(f"../{beta.schema_name}/animals/a.jpg")


def test_file__of_a_row__is_sent_to_members_alone(
    alpha: Any, beta: Any, ana: Any, vic: Any, bea: Any, client_of: Any
) -> None:
    """As something to keep, never as a page; on another host there is none of that name."""
    address = upload(alpha, ana).photo.url
    answer = client_of(vic, alpha).get(address)
    assert b"".join(answer.streaming_content) == CONTENT
    assert answer["Content-Disposition"].startswith("attachment")
    assert client_of(None, alpha).get(address).status_code == 302
    assert client_of(bea, beta).get(address).status_code == 404


@pytest.mark.parametrize(
    "address", ["/media/animals/b.jpg", "/media/../../etc/passwd", "/media/%2e%2e/a.jpg"]
)
def test_file__that_no_row_names__is_not_found(alpha: Any, ana: Any, client_of: Any, address: str) -> None:
    """Whatever lies in the folder."""
    upload(alpha, ana)
    with namespace_scope(alpha):
        default_storage.save("animals/b.jpg", ContentFile(b"orphan"))
    assert client_of(ana, alpha).get(address).status_code == 404


def test_file__of_a_deleted_row__is_not_found(alpha: Any, ana: Any, client_of: Any) -> None:
    """Like the row."""
    animal = upload(alpha, ana)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        animal.delete()
    assert client_of(ana, alpha).get("/media/animals/a.jpg").status_code == 404


# Archives


def test_import__of_an_archive_with_files__exports_the_same_bytes(
    committing: Any, alpha: Any, ana: Any, staff: Any, media: Path
) -> None:
    """On a clean installation; the files are where the rows say, and those of the old one are gone."""
    upload(alpha, ana)
    upload(alpha, ana, b"", "empty.jpg")
    before, held = exported(alpha), files_of(alpha, media)
    remove(alpha)
    assert list(media.iterdir()) == []
    forget_accounts()
    made = as_system(import_namespace, io.BytesIO(before), Wish(staff))
    assert (made.files, files_of(made.namespace, media)) == (2, held)
    assert exported(made.namespace) == before


def test_export__of_a_file_that_is_not_there__says_so(alpha: Any, ana: Any, media: Path) -> None:
    """And holds all the rest."""
    upload(alpha, ana)
    upload(alpha, ana, name="b.jpg")
    (media / alpha.schema_name / "animals/b.jpg").unlink()
    manifest = as_system(export_namespace, alpha, io.BytesIO())
    assert ([each.name for each in manifest.files], manifest.missing) == (
        ["animals/a.jpg"],
        ("animals/b.jpg",),
    )


def test_export__of_a_row_that_names_another_ones_file__does_not_hold_it(
    alpha: Any, beta: Any, ana: Any, bea: Any
) -> None:
    """Rows may say anything; a name that is no path below the folder is a file that is not there."""
    upload(beta, bea)
    animal, name = upload(alpha, ana), f"../{beta.schema_name}/animals/a.jpg"
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Animal.objects.filter(pk=animal.pk).update(photo=name)
    manifest = as_system(export_namespace, alpha, io.BytesIO())
    assert (manifest.missing, [each.name for each in manifest.files]) == ((name,), ["animals/a.jpg"])


def test_export__of_a_version__holds_its_file(alpha: Any, ana: Any) -> None:
    """A row that is brought back finds it."""
    animal = upload(alpha, ana)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        animal.photo = ""
        animal.save()
    assert [each.name for each in as_system(export_namespace, alpha, io.BytesIO()).files] == ["animals/a.jpg"]


def test_export__without_files__says_that_they_are_left_out(alpha: Any, ana: Any) -> None:
    """The rows name them all the same."""
    upload(alpha, ana)
    manifest = as_system(export_namespace, alpha, io.BytesIO(), files=False)
    assert (manifest.files, "files" in manifest.left_out) == ((), True)


def test_export__of_more_bytes_than_allowed__is_refused(alpha: Any, ana: Any) -> None:
    """So is reading them."""
    upload(alpha, ana)
    file = io.BytesIO(exported(alpha))
    with override_settings(SMARTMODELS_TRANSFER_FILE_BYTES=1000):
        with pytest.raises(InvalidInput, match="--no-files"):
            as_system(export_namespace, alpha, io.BytesIO())
        with pytest.raises(ArchiveInvalid, match="TRANSFER_FILE_BYTES"):
            import_namespace(file, Wish(ana, "gamma"))


@pytest.mark.parametrize(
    "name", ["../up.jpg", "/etc/up.jpg", "a/../../up.jpg", "a//b", "a\\b", "", "x" * 300]
)
def test_import__of_a_file_that_leads_elsewhere__is_refused(
    alpha: Any, ana: Any, media: Path, name: str
) -> None:
    """However well the archive is sealed; nothing is made."""
    upload(alpha, ana)
    forged = _forged(exported(alpha), name)
    with pytest.raises(ArchiveInvalid):
        import_namespace(forged, Wish(ana, "gamma"))
    assert not Namespace.objects.filter(slug="gamma").exists()
    assert not list(media.parent.rglob("up.jpg"))


def _forged(archive: bytes, name: str) -> io.BytesIO:
    """The archive with another name for its file, and a manifest that fits."""
    reader, file = ArchiveReader(io.BytesIO(archive)), io.BytesIO()
    manifest = read_manifest(reader)
    writer = ArchiveWriter(file)
    for part in manifest.held():
        writer.add(part.file, reader.chunks(part.file, part.sha256))
    object.__setattr__(manifest.files[0], "name", name)
    write_manifest(writer, manifest)
    writer.close()
    file.seek(0)
    return file


def test_import__of_a_file_that_was_changed__is_refused(alpha: Any, ana: Any) -> None:
    """One byte of what was uploaded."""
    upload(alpha, ana, b"precious content")
    changed = exported(alpha).replace(b"precious", b"previous")
    with pytest.raises(ArchiveInvalid, match="checksum"):
        import_namespace(io.BytesIO(changed), Wish(ana, "gamma"))


def test_import__that_fails_after_its_files__leaves_none(
    committing: Any, alpha: Any, ana: Any, media: Path
) -> None:
    """They go with the schema."""
    upload(alpha, ana)
    archive = io.BytesIO(exported(alpha))
    before = set(media.iterdir())

    def stop(step: str) -> None:
        if step == "verify":
            raise InvalidInput("Stopped.")

    with pytest.raises(InvalidInput):
        as_system(import_namespace, archive, Wish(ana, "gamma"), progress=stop)
    assert set(media.iterdir()) == before


def test_restore__of_a_backup__brings_files_back(
    committing: Any, alpha: Any, ana: Any, media: Path, tmp_path: Path
) -> None:
    """Beside those that are served, until the swap."""
    upload(alpha, ana)
    with override_settings(SMARTMODELS_BACKUP_DIR=str(tmp_path / "backups")):
        made = as_system(back_up, alpha)
        (media / alpha.schema_name / "animals/a.jpg").write_bytes(b"spoiled")
        as_system(restore_namespace, alpha, made.id)
    alpha.refresh_from_db()
    assert files_of(alpha, media) == {"animals/a.jpg": CONTENT}


@pytest.mark.parametrize(("options", "count"), [({}, 1), ({"files": False}, 0), ({"anonymise": True}, 0)])
def test_clone__copies_files(
    committing: Any, alpha: Any, ana: Any, media: Path, options: dict[str, bool], count: int
) -> None:
    """Unless they are left behind, or may show who somebody is."""
    upload(alpha, ana)
    made = as_system(clone_namespace, alpha, Wish(ana, "gamma"), **options)
    assert (made.files, len(files_of(made.namespace, media))) == (count, count)


def test_clone__anonymised__names_no_file(committing: Any, alpha: Any, ana: Any) -> None:
    """Neither rows nor versions: what a file is called may say who somebody is. The history holds."""
    upload(alpha, ana, name="passport-of-unknown.jpg")
    made = as_system(clone_namespace, alpha, Wish(ana, "gamma"), anonymise=True).namespace
    with namespace_scope(made):
        named = [each.values_list("photo", flat=True).get() for each in (Animal.objects, Animal.history)]
        assert (named, verify().is_intact) == (["", ""], True)


def test_fsck__of_files_of_a_schema_that_is_gone__removes_them_only_when_asked(
    alpha: Any, ana: Any, media: Path
) -> None:
    """Those of a namespace and folders that are none of ours are left alone."""
    upload(alpha, ana)
    for folder in ("t_gone_0123456789ab", "branding"):
        (media / folder / "animals").mkdir(parents=True)
        (media / folder / "animals" / "b.jpg").touch()
    left = check_namespaces(fix=True).left
    assert [(each.code, each.place, each.rows) for each in left] == [
        ("uploads-left", "t_gone_0123456789ab", 1)
    ]
    assert check_namespaces(fix=True, drop_schemas=True).left == []
    assert {each.name for each in media.iterdir()} == {alpha.schema_name, "branding"}


@pytest.mark.parametrize(
    ("asked", "files", "members"),
    [("", 1, False), ("?files=false", 0, False), ("?members=true", 1, True)],
)
def test_endpoint__export__holds_what_was_asked_for(
    alpha: Any, ana: Any, staff: Any, api_of: Any, asked: str, files: int, members: bool
) -> None:
    """As the command does with --no-files and --members."""
    upload(alpha, ana)
    answer = api_of(staff, None).get(f"/api/v1/namespaces/alpha/export/{asked}")
    manifest = read_manifest(ArchiveReader(io.BytesIO(b"".join(answer.streaming_content))))
    assert (len(manifest.files), bool(manifest.members)) == (files, members)


@pytest.mark.parametrize("asked", ["files=perhaps", "file=false"])
def test_endpoint__export_with_nonsense__refuses(alpha: Any, staff: Any, api_of: Any, asked: str) -> None:
    """Like any other parameter of a query."""
    assert api_of(staff, None).get(f"/api/v1/namespaces/alpha/export/?{asked}").status_code == 400


def test_endpoint__clone_without_files__leaves_them_behind(
    committing: Any, alpha: Any, ana: Any, staff: Any, api_of: Any, media: Path
) -> None:
    """As the command does with --no-files."""
    upload(alpha, ana)
    answer = api_of(staff, None).post("/api/v1/namespaces/alpha/clone/", {"into": "gamma", "files": False})
    assert answer.status_code == 201, answer.content
    assert files_of(Namespace.objects.get(slug="gamma"), media) == {}


def test_purge__of_a_namespace__removes_its_files(
    committing: Any, alpha: Any, beta: Any, ana: Any, bea: Any, media: Path
) -> None:
    """And nobody else's."""
    upload(alpha, ana)
    upload(beta, bea)
    act(life.delete, alpha)
    act(life.purge, alpha, now=True)
    assert [each.name for each in media.iterdir()] == [beta.schema_name]


# Members


def test_import__with_members__lets_those_join_who_have_an_account(
    committing: Any, alpha: Any, ana: Any, ben: Any, staff: Any, tmp_path: Path, capsys: Any
) -> None:
    """In their roles; nobody is made, and the owner stays what they are."""
    file = str(tmp_path / "alpha.tar")
    call_command("namespace", "export", "alpha", "--members", "--out", file, "--json", verbosity=0)
    assert json.loads(capsys.readouterr().out)["members"] == 3
    Membership.objects.filter(user__email="vic@example.org").delete()
    User.objects.filter(email="vic@example.org").update(is_active=False)
    words = ("--slug", "gamma", "--owner", "ben@example.org", "--members", "match", "--json")
    call_command("namespace", "import", file, *words, verbosity=0)
    assert json.loads(capsys.readouterr().out)["members"] == 1
    joined = Membership.objects.filter(namespace__slug="gamma").order_by("user__email")
    assert list(joined.values_list("user__email", "role")) == [
        ("ana@example.org", "owner"),
        ("ben@example.org", "owner"),
    ]


def test_import__without_members__has_its_owner_alone(committing: Any, alpha: Any, ana: Any) -> None:
    """Who was a member elsewhere is none here of its own accord."""
    file = io.BytesIO()
    as_system(export_namespace, alpha, file, members=True)
    made = as_system(import_namespace, file, Wish(ana, "gamma")).namespace
    assert list(made.memberships.values_list("user__email", flat=True)) == ["ana@example.org"]


def test_export__without_being_asked__names_no_members(alpha: Any) -> None:
    """Two exports of the same rows are the same, whoever reads them."""
    manifest = as_system(export_namespace, alpha, io.BytesIO())
    assert (manifest.members, "memberships" in manifest.left_out) == ((), True)


@pytest.mark.parametrize("field", [UploadField(), UploadedImageField()])
def test_api__file_sent_as_text__says_where_it_is_uploaded(field: Any) -> None:
    """Bodies are JSON, so there is no encoding to be checked."""
    with pytest.raises(ValidationError, match="upload it in the admin"):
        field.run_validation("a.jpg")
