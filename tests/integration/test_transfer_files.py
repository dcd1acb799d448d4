"""A namespace as a file: exported, imported, exported again."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history.evidence import verify
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy.migrating.one_schema import migrate_namespace, pending
from smartmodels.tenancy.models import State
from smartmodels.transfer import Owners, Wish, import_namespace
from smartmodels.transfer.errors import ArchiveNewer
from smartmodels.transfer.exporting import migrations_of
from smartmodels.transfer.fresh import Beside, make_fresh
from tenant_apps.research.models import Study
from tests.support.lives import remove
from tests.support.moving import exported, fill, forget_accounts, tables


def test_import__on_a_clean_installation__exports_the_same_bytes(
    committing: Any, alpha: Any, ana: Any, staff: Any
) -> None:
    """Not a byte differs, though none of the people were known; and its history still proves itself."""
    fill(alpha, ana)
    before = exported(alpha)
    remove(alpha)
    forget_accounts()
    with operation(actor=Actor.system("tests")):
        made = import_namespace(io.BytesIO(before), Wish(staff))
    assert made.namespace.state == State.ACTIVE
    assert exported(made.namespace) == before
    with namespace_scope(made.namespace):
        assert verify().is_intact
    assert not User.objects.get(email="ana@example.org").is_active


def test_commands__export_and_import__move_a_namespace(
    committing: Any, alpha: Any, ana: Any, tmp_path: Path, capsys: Any
) -> None:
    """The file that one writes is what the other reads, under another slug if that is asked for."""
    fill(alpha, ana, rows=1)
    file = str(tmp_path / "alpha.tar")
    call_command("namespace", "export", "alpha", "--out", file, "--json", verbosity=0)
    said = json.loads(capsys.readouterr().out)
    assert said["tables"]["research_study"] == 1
    assert [each.name for each in tmp_path.iterdir()] == ["alpha.tar"]
    call_command("namespace", "import", file, "--dry-run", "--slug", "gamma", "--owner", "ben@example.org")
    assert not Namespace.objects.filter(slug="gamma").exists()
    call_command("namespace", "import", file, "--slug", "gamma", "--owner", "ben@example.org", "--json")
    assert Namespace.objects.get(slug="gamma").state == State.ACTIVE


def test_endpoint__export__sends_the_same_file(alpha: Any, ana: Any, staff: Any, api_of: Any) -> None:
    """What staff read over REST is what the service writes."""
    fill(alpha, ana, rows=1)
    answer = api_of(staff, None).get("/api/v1/namespaces/alpha/export/")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == exported(alpha)


def test_endpoint__export_asked_by_an_owner__refuses(alpha: Any, ana: Any, api_of: Any) -> None:
    """Only staff take a whole namespace away."""
    assert api_of(ana, None).get("/api/v1/namespaces/alpha/export/").status_code == 403


def test_fresh__at_older_migrations__has_the_tables_of_then(alpha: Any) -> None:
    """A file of older code is loaded as it was; what no code had is refused."""
    bound = Beside(alpha.pk, "alpha", "t_alpha_older")
    older = ("activities.0001_initial", "ledger.0001_initial")
    with operation(actor=Actor.system("tests")):
        make_fresh(bound, older, progress=str)
        assert migrations_of(bound.schema_name) == older
        assert not {"research_study", "zoo_animal"} & set(tables(bound.schema_name))
        with pytest.raises(ArchiveNewer):
            make_fresh(bound, ["research.9999_later"], progress=str)


@pytest.mark.parametrize(
    ("owners", "is_kept"), [("create", True), ("match", True), ("sentinel", False)], ids=str
)
def test_import__of_somebody_known__goes_by_what_was_asked(
    committing: Any, alpha: Any, ana: Any, staff: Any, owners: str, is_kept: bool
) -> None:
    """A known account keeps its rows, unless all are to be the sentinel's."""
    fill(alpha, ana, rows=1)
    with operation(actor=Actor.system("tests")):
        made = import_namespace(io.BytesIO(exported(alpha)), Wish(staff, "gamma"), owners=Owners(owners))
    with namespace_scope(made.namespace):
        study = Study.objects.get()
    assert {study.owner_id, study.created_by_id} == {ana.pk if is_kept else sentinel_id()}


@pytest.mark.parametrize(("owners", "accounts"), [("create", 1), ("match", 0), ("sentinel", 0)])
def test_import__of_somebody_unknown__makes_an_account_only_where_asked(
    committing: Any, alpha: Any, ana: Any, staff: Any, owners: str, accounts: int
) -> None:
    """Without an account, the sentinel takes over what the unknown owned."""
    fill(alpha, ana, rows=1)
    file = exported(alpha)
    remove(alpha)
    forget_accounts()
    with operation(actor=Actor.system("tests")):
        made = import_namespace(io.BytesIO(file), Wish(staff, "gamma"), owners=Owners(owners))
    assert User.objects.filter(email="ana@example.org", is_active=False).count() == accounts
    with namespace_scope(made.namespace):
        assert (Study.objects.get().owner_id == sentinel_id()) is (accounts == 0)


def test_import__of_an_older_file__is_brought_up_to_date(committing: Any, alpha: Any, ana: Any) -> None:
    """What was exported before an app had tables has them after the import."""
    with operation(actor=Actor.system("tests")):
        migrate_namespace(alpha, app_label="research", migration_name="zero")
        file = exported(alpha)
        made = import_namespace(io.BytesIO(file), Wish(ana, "gamma")).namespace
        assert "research_study" in tables(made.schema_name)
        assert not pending(made)


def test_export__to_a_file_that_is_there__is_refused(alpha: Any, tmp_path: Path) -> None:
    """Unless it is forced; the file stays as it is."""
    file = tmp_path / "alpha.tar"
    file.write_bytes(b"precious")
    with pytest.raises(CommandError, match="--force"):
        call_command("namespace", "export", "alpha", "--out", str(file), verbosity=0)
    assert file.read_bytes() == b"precious"
    call_command("namespace", "export", "alpha", "--out", str(file), "--force", "--json", verbosity=0)
    assert file.read_bytes() != b"precious"
