"""What becomes of what is shared when something ends: time, users, homes, and the copies they promised."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from shared_apps.namespaces.closing import close_account
from shared_apps.sharing.models import Grant, GrantEvent, SharedResource
from shared_apps.sharing.tasks import copy_promised, expire
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import GrantStateRefused
from smartmodels.ownership import sentinel_id
from smartmodels.sharing import accept, grant_for, share
from smartmodels.tenancy import life
from tenant_apps.research.models import Specimen, Study
from tests.support.lives import act


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study of alpha, where ana acts."""
    return Study.objects.create(code="A", title="Birds")


def shared(study: Any, beta: Any, bea: Any, **terms: Any) -> Grant:
    """Ana's offer, which bea accepts."""
    given = share(study, beta, **terms)
    with operation(actor=Actor.user(bea)):
        grant: Grant = accept(given)
    return grant


def studies_of(namespace: Any) -> list[Study]:
    """The namespace's own studies."""
    with namespace_scope(namespace), operation(actor=Actor.system("tests")):
        return list(Study.objects.order_by("code"))


def test_job__expire__ends_what_is_over(study: Study, beta: Any, bea: Any) -> None:
    """Noted by a job; reads knew before."""
    grant = shared(study, beta, bea, expires_at=timezone.now() + timedelta(days=1))
    Grant.objects.update(expires_at=timezone.now())
    assert (expire(), Grant.objects.get(pk=grant.pk).status) == (1, "expired")


def test_home__deleted_with_promised_copies__is_copied_before_it_goes(
    study: Study, alpha: Any, beta: Any, bea: Any
) -> None:
    """The copy is an own row of the target, of who accepted; what it points at comes along."""
    Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    shared(study, beta, bea, at_end="copy", covers_below=True)
    act(life.delete, alpha)
    alpha.refresh_from_db()
    with pytest.raises(GrantStateRefused, match="promised"):
        act(life.purge, alpha, now=True)
    assert copy_promised() == {"alpha": 2}
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        [copy], [specimen] = Study.objects.all(), Specimen.objects.all()
    assert (copy.title, copy.owner_id, copy.pk == study.pk) == ("Birds", bea.pk, False)
    assert specimen.study_id == copy.pk
    assert set(Grant.objects.values_list("copied_as", flat=True)) == {copy.pk, specimen.pk}


def test_copies__done_twice__are_made_once(study: Study, alpha: Any, beta: Any, bea: Any) -> None:
    """Repeating it changes nothing."""
    shared(study, beta, bea, at_end="copy")
    act(life.delete, alpha)
    assert (copy_promised(), copy_promised(), len(studies_of(beta))) == ({"alpha": 1}, {}, 1)


def test_copies__without_what_they_need__are_marked(study: Study, alpha: Any, beta: Any, bea: Any) -> None:
    """A specimen without its study cannot be; the grant says so, and the home may go."""
    specimen = Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    grant = shared(specimen, beta, bea, at_end="copy")
    act(life.delete, alpha)
    with pytest.raises(CommandError, match="1 copies cannot be made"):
        call_command("share", "copies", "alpha", verbosity=0)
    grant.refresh_from_db()
    assert (grant.copied_at is None, grant.copied_as, "needs a study" in grant.copy_refused) == (
        False, None, True,
    )  # fmt: skip


def test_copies__of_a_value_that_is_taken__are_marked(study: Study, alpha: Any, beta: Any, bea: Any) -> None:
    """The rules of the target hold."""
    grant = shared(study, beta, bea, at_end="copy")
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        Study.objects.create(code="A")
    act(life.delete, alpha)
    assert copy_promised() == {"alpha": 0}
    grant.refresh_from_db()
    assert "taken" in grant.copy_refused


def test_copies__of_a_home_that_stays__are_refused(study: Study, alpha: Any, beta: Any, bea: Any) -> None:
    """While the row can be seen nobody needs one."""
    shared(study, beta, bea, at_end="copy")
    with pytest.raises(CommandError, match="grant-state-refused"):
        call_command("share", "copies", "alpha")


def test_home__purged__leaves_events_to_those_it_shared_with(
    study: Study, alpha: Any, beta: Any, bea: Any
) -> None:
    """The grant ended, and who is left can read that it did."""
    shared(study, beta, bea)
    act(life.delete, alpha)
    act(life.purge, alpha, now=True)
    events = GrantEvent.objects.filter(target_id=beta.pk).order_by("id")
    assert list(events.values_list("status", "home_slug")) == [
        (status, "alpha") for status in ("pending", "active", "suspended", "revoked")
    ]
    assert not SharedResource.objects.exists()


def test_target__purged__ends_the_grants(study: Study, beta: Any, bea: Any) -> None:
    """Nobody is left to see it."""
    grant = shared(study, beta, bea)
    act(life.delete, beta)
    act(life.purge, beta, now=True)
    statuses = GrantEvent.objects.filter(grant_id=grant.pk).order_by("id").values_list("status", flat=True)
    assert (statuses.last(), Grant.objects.count()) == ("revoked", 0)


def test_user__closed__leaves_the_row_shared(study: Study, alpha: Any, beta: Any, bea: Any, ben: Any) -> None:
    """S4: grants stay, and the sentinel owns the row."""
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        row = Study.objects.create(code="of ben")
    shared(row, beta, bea)
    act(close_account, ben)
    with namespace_scope(beta):
        assert grant_for(Study, row.pk) is not None
    assert {each.code: each.owner_id for each in studies_of(alpha)}["of ben"] == sentinel_id()


def test_renamed__either_side__is_called_what_it_is_called_now(
    study: Study, alpha: Any, beta: Any, ana: Any, bea: Any, api_of: Any
) -> None:
    """Who answered is shown by the present name."""
    shared(study, beta, bea)
    act(life.rename, beta, "delta")
    [row] = api_of(ana, alpha).get("/api/v1/grants/").json()["results"]
    assert row["target"] == "delta"


def test_command__share__from_grant_to_revoke(study: Study, alpha: Any, beta: Any, capsys: Any) -> None:
    """The operator speaks for both sides."""

    def run(*words: str) -> Any:
        call_command("share", *words, "--json")
        return json.loads(capsys.readouterr().out)

    words = ("grant", "alpha", "research.study", str(study.pk), "--to", "beta", "--role", "edit")
    assert [row["status"] for row in run(*words, "--dry-run")] == ["active"]
    assert run("list") == []
    [made] = run(*words)
    assert run("list", "--from", "alpha", "--to", "beta", "--status", "active") == [made]
    assert [row["status"] for row in run("revoke", made["id"], "--dry-run")] == ["revoked"]
    assert [row["status"] for row in run("revoke", made["id"])] == ["revoked"]
    with pytest.raises(CommandError, match="grant-state-refused"):
        run("accept", made["id"])
    assert run("policy", "beta", "--inbound", "auto", "--partners", "alpha")["partners"] == ["alpha"]
    assert run("expire") == {"expired": 0, "dry_run": False}
    assert run("fsck")["findings"] == []
