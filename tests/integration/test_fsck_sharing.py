"""What does not hold in what is shared: planted past the triggers, found, mended; and after a restore."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from shared_apps.namespaces.models import Namespace
from shared_apps.sharing.models import Grant, GrantEvent, SharedResource
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import RowNotFound
from smartmodels.fsck import SHARING, check_namespaces
from smartmodels.sharing import grant_for, leave, revoke, share
from smartmodels.transfer import back_up, restore_namespace
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.lives import act

GRANTS, STUDIES = "public.sharing_grant", "research_study"


@pytest.fixture
def grant(in_alpha: Any, beta: Any) -> Grant:
    """An active grant of a study of alpha to beta; the operator acts."""
    with operation(actor=Actor.command("share")):
        given: Grant = share(Study.objects.create(code="A"), beta)
    return given


def past(table: str, statement: str) -> None:
    """Write past the triggers of a table."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for each in (
            f"ALTER TABLE {table} DISABLE TRIGGER USER",
            statement,
            f"ALTER TABLE {table} ENABLE TRIGGER USER",
        ):  # fmt: skip
            cursor.execute(each)


PLANTS: dict[str, tuple[str, str]] = {
    "share-dangling": (STUDIES, "DELETE FROM research_study"),
    "share-stale": (STUDIES, "UPDATE research_study SET code = 'B'"),
    "grant-mark": (GRANTS, "UPDATE public.sharing_grant SET resource_deleted = true"),
    "grant-astray": (GRANTS, "UPDATE public.sharing_grant SET model = 'research.specimen'"),
    "grant-awake": (
        "public.namespaces_namespace",
        "UPDATE public.namespaces_namespace SET state = 'suspended' WHERE slug = 'alpha'",
    ),
    "grant-asleep": (GRANTS, "UPDATE public.sharing_grant SET status = 'suspended'"),
    "grant-event": (GRANTS, "UPDATE public.sharing_grant SET status = 'left'"),
}


@pytest.mark.parametrize("code", PLANTS)
def test_fsck__planted__is_found_and_mended(code: str, grant: Grant) -> None:
    """Found, mended on request, and gone."""
    past(*PLANTS[code])
    found = {each.code for each in check_namespaces(["alpha"], only=SHARING).left}
    assert code in found <= {code, "grant-event"}
    check_namespaces(["alpha"], fix=True, only=SHARING)
    assert check_namespaces(["alpha"], only=SHARING).findings == []


def test_fsck__row_deleted_past_the_triggers__hides_it(grant: Grant, beta: Any) -> None:
    """Mending goes by the row: what is deleted at home is visible nowhere."""
    past(STUDIES, "UPDATE research_study SET deleted_at = now()")
    check_namespaces(["alpha"], fix=True, only=SHARING)
    with namespace_scope(beta):
        assert grant_for(Study, grant.row_id) is None


@pytest.fixture
def covered(in_alpha: Any, beta: Any) -> Study:
    """A study of alpha, covered for beta with a specimen; the operator acts."""
    study = Study.objects.create(code="covered")
    Specimen.objects.create(study=study, number=1, individual="N", species="A")
    with operation(actor=Actor.command("share")):
        share(study, beta, covers_below=True, role="edit")
    return study


def past_the_triggers(study: Study) -> None:
    """Move all specimens below the study."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE research_specimen DISABLE TRIGGER USER")
        cursor.execute("UPDATE research_specimen SET study_id = %s", [study.pk])
        cursor.execute("ALTER TABLE research_specimen ENABLE TRIGGER USER")


def mended() -> list[tuple[str, int]]:
    """What is found, if mending leaves nothing to find."""
    found = [(each.code, each.rows) for each in check_namespaces(["alpha"], only=SHARING).left]
    check_namespaces(["alpha"], fix=True, only=SHARING)
    assert check_namespaces(["alpha"], only=SHARING).findings == []
    return found


def test_fsck__row_moved_below_past_the_triggers__follows(covered: Study) -> None:
    """With what belongs to it."""
    specimen = Specimen.objects.create(
        study=Study.objects.create(code="closed"), number=2, individual="N", species="A"
    )
    Observation.objects.create(specimen=specimen)
    past_the_triggers(covered)
    assert mended() == [("share-uncovered", 1)]
    below = Grant.objects.filter(cause="rule", status="active", role="edit").order_by("model")
    assert list(below.values_list("model", flat=True)) == ["research.observation", *["research.specimen"] * 2]


def test_fsck__row_moved_away_past_the_triggers__follows_no_more(covered: Study) -> None:
    """The grant ends; nobody gets one for it."""
    other = Study.objects.create(code="closed")
    past_the_triggers(other)
    assert mended() == [("grant-unruly", 1)]
    assert not Grant.objects.filter(cause="rule", status="active").exists()


@pytest.mark.parametrize("step", [revoke, leave])
def test_fsck__row_that_was_taken_back_by_itself__stays_so(covered: Study, step: Any) -> None:
    """That was somebody's decision."""
    with operation(actor=Actor.command("share")):
        step(Grant.objects.get(cause="rule"))
    assert mended() == []


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """Keep backups in a folder of the test."""
    with override_settings(SMARTMODELS_BACKUP_DIR=str(tmp_path)):
        yield tmp_path


def restored(alpha: Any, change: Callable[[], Any]) -> None:
    """Back alpha up, change something, and bring it back to the backup."""
    made = act(back_up, alpha)
    with namespace_scope(alpha), operation(actor=Actor.command("tests")):
        change()
    act(restore_namespace, alpha, made.id)


def test_restore__row_made_after_the_backup__is_shared_no_more(
    committing: Any, folder: Path, alpha: Any, beta: Any
) -> None:
    """Its registry entry and its grants end in the transaction that swaps the schemas."""
    restored(alpha, lambda: share(Study.objects.create(code="later"), beta))
    assert list(Grant.objects.values_list("status", flat=True)) == ["revoked"]
    assert SharedResource.objects.get().purged_at is not None
    assert check_namespaces(only=SHARING).findings == []


def test_restore__row_changed_since__is_called_as_it_was(
    committing: Any, folder: Path, alpha: Any, beta: Any
) -> None:
    """The label and the mark of deletion are those of the rows that are served now."""
    with namespace_scope(alpha), operation(actor=Actor.command("tests")):
        study = Study.objects.create(code="old")
        share(study, beta)

    def change() -> None:
        Study.objects.update(code="new")
        study.delete()

    restored(alpha, change)
    assert list(SharedResource.objects.values_list("label", "deleted_at")) == [("old", None)]
    with namespace_scope(beta):
        assert grant_for(Study, study.pk) is not None
    assert GrantEvent.objects.count() == 1


def test_share__row_of_tables_that_are_served_no_more__is_refused(in_alpha: Any, beta: Any) -> None:
    """Who began before a restore shares nothing of what it set aside."""
    study = Study.objects.create(code="A")
    Namespace.objects.filter(pk=in_alpha.pk).update(schema_name="t_alpha_restored")
    with operation(actor=Actor.command("share")), pytest.raises(RowNotFound):
        share(study, beta)
    assert not SharedResource.objects.exists()
