"""Within the grace period a closed account comes back, with what is still held for it."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from shared_apps.accounts.models import Session, Token, User
from shared_apps.namespaces.closing import (
    anonymise_account,
    continue_handovers,
    plan_closing,
    plan_restoring,
    restore_account,
    work,
)
from shared_apps.namespaces.models import Membership, Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import (
    AccountAnonymised,
    AccountOpen,
    GraceOver,
    SentinelProtected,
)
from smartmodels.ownership import sentinel_id
from tenant_apps.research.models import Study
from tests.support.clients import host_of
from tests.support.closing import close, owners_of, study_of
from tests.support.lives import remove
from tests.support.people import PASSWORD


def restore(user: Any, **values: Any) -> Any:
    """Restore the account as the operator does."""
    with operation(actor=Actor.command("account restore")):
        return restore_account(user, **values)


def test_restore_account__closed__is_as_before(alpha: Any, beta: Any, ben: Any) -> None:
    """Account, memberships with their roles and dates, and rows in all namespaces."""
    before = set(Membership.objects.filter(user=ben).values_list("namespace", "role", "joined_at"))
    rows = {alpha: study_of(ben, alpha), beta: study_of(ben, beta)}
    close(ben)
    restored = restore(ben)
    ben.refresh_from_db()
    assert (ben.is_active, ben.closed_at, restored.rows) == (True, None, {"alpha": 1, "beta": 1})
    assert set(Membership.objects.filter(user=ben).values_list("namespace", "role", "joined_at")) == before
    for namespace, row in rows.items():
        with namespace_scope(namespace):
            assert owners_of(row) == (ben.pk, None)


def test_restore_account__row_given_to_somebody_meanwhile__stays_theirs(
    alpha: Any, ana: Any, ben: Any, vic: Any
) -> None:
    """Only what the sentinel still holds comes back."""
    kept, given = study_of(ben, alpha, "K"), study_of(ben, alpha, "G")
    close(ben)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.objects.filter(pk=given.pk).update(owner=vic)
    restore(ben)
    with namespace_scope(alpha):
        assert (owners_of(kept)[0], owners_of(given)[0]) == (ben.pk, vic.pk)


def test_restore_account__rows_of_another_closed_account__stay_the_sentinels(
    alpha: Any, ben: Any, vic: Any
) -> None:
    """The sentinel holds rows for many: each gets back their own."""
    other = study_of(vic, alpha, "V")
    close(vic)
    close(ben)
    restore(ben)
    with namespace_scope(alpha):
        assert owners_of(other) == (sentinel_id(), vic.pk)


def test_restore_account__deleted_rows__come_back_to_it_when_they_are_restored(
    alpha: Any, ana: Any, ben: Any
) -> None:
    """A deletion before or after the closing does not change whose the row is."""
    before, after = study_of(ben, alpha, "B"), study_of(ben, alpha, "A")
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        before.delete()
        close(ben)
        after.refresh_from_db()
        after.delete()
        restore(ben)
        before.undelete()
        after.undelete()
        assert [owners_of(row)[0] for row in (before, after)] == [ben.pk] * 2


def test_restore_account__password__is_the_old_one(alpha: Any, ben: Any) -> None:
    """Whoever comes back logs in as before."""
    close(ben)
    restore(ben)
    ben.refresh_from_db()
    assert ben.check_password(PASSWORD)


def test_restore_account__old_session_and_token__stay_ended(
    alpha: Any, ben: Any, client_of: Any, api_of: Any
) -> None:
    """Nothing that let the user in before does so again."""
    client, (_, secret) = client_of(ben, alpha), Token.issue(ben, alpha.pk)
    close(ben)
    restore(ben)
    bearer = Client(headers={"host": host_of(alpha), "authorization": f"Bearer {secret}"})
    assert {each.get("/api/v1/studies/").status_code for each in (client, bearer)} == {401}
    assert not Session.objects.filter(user_id=ben.pk).exists()


def test_restore_account__heir__stays_an_owner(alpha: Any, ana: Any, ben: Any) -> None:
    """What was passed on is not taken away: both own the namespace then."""
    close(ana, transfer_to=ben)
    restore(ana)
    owners = Membership.objects.filter(namespace=alpha, role="owner").values_list("user", flat=True)
    assert set(owners) == {ana.pk, ben.pk}


def test_restore_account__namespace_gone__is_left_out(
    committing: Any, alpha: Any, beta: Any, ben: Any
) -> None:
    """There is nothing to be a member of any more."""
    close(ben)
    with operation():
        remove(Namespace.objects.get(pk=beta.pk))
    restore(ben)
    assert list(Membership.objects.filter(user=ben).values_list("namespace", flat=True)) == [alpha.pk]


def test_restore_account__hand_over_not_finished__takes_back_what_went(
    alpha: Any, beta: Any, ben: Any
) -> None:
    """A restore may come before the hand-over is done; what it has not come to was never away."""
    rows = {alpha: study_of(ben, alpha), beta: study_of(ben, beta)}
    close(ben, seconds=0)
    restore(ben)
    with operation():
        assert continue_handovers() == {}
    for namespace, row in rows.items():
        with namespace_scope(namespace):
            assert owners_of(row) == (ben.pk, None)


def test_restore_account__cut_off__goes_on(alpha: Any, beta: Any, ben: Any) -> None:
    """The rest is returned by the worker, or by restoring again."""
    study_of(ben, alpha)
    close(ben)
    assert restore(ben, seconds=0).left == ("alpha", "beta")
    assert restore(ben).rows == {"alpha": 1, "beta": 0}


def test_close_account__after_a_restore__hands_over_again(alpha: Any, ben: Any) -> None:
    """Closing and restoring may follow one another; each is an operation of its own."""
    study_of(ben, alpha)
    first = close(ben)
    restore(ben)
    second = close(ben)
    assert (second.rows["alpha"], second.operation_id == first.operation_id) == (1, False)


def test_restore_account__open_account__is_refused(ben: Any) -> None:
    """There is nothing to restore."""
    with pytest.raises(AccountOpen):
        restore(ben)


def test_restore_account__sentinel__is_refused(db: None) -> None:
    """The sentinel is no account of a person."""
    with pytest.raises(SentinelProtected):
        restore(User.objects.get(pk=sentinel_id()))


def test_restore_account__after_the_grace_period__is_refused(ben: Any, settings: Any) -> None:
    """SMARTMODELS_GRACE_DAYS says how long there is a way back."""
    close(ben)
    settings.SMARTMODELS_GRACE_DAYS = 7
    User.objects.filter(pk=ben.pk).update(closed_at=timezone.now() - timedelta(days=8))
    with pytest.raises(GraceOver):
        restore(ben)
    assert not User.objects.get(pk=ben.pk).is_active


def test_restore_account__anonymised__is_refused(ben: Any) -> None:
    """Nobody knows any more who it was."""
    close(ben)
    with operation():
        anonymise_account(ben)
    with pytest.raises(AccountAnonymised):
        restore(ben)


def test_plan_restoring__closed__counts_without_changing(alpha: Any, ben: Any) -> None:
    """The dry run says what would come back."""
    study_of(ben, alpha)
    close(ben)
    plan = plan_restoring(User.objects.get(pk=ben.pk))
    assert (plan.rows, plan.memberships) == ({"alpha": 1}, ("alpha", "beta"))
    assert not User.objects.get(pk=ben.pk).is_active


def test_plan_closing__member__counts_without_changing(alpha: Any, ana: Any, ben: Any) -> None:
    """The dry run counts living and deleted rows, and names the memberships that would end."""
    study_of(ben, alpha, "1")
    row = study_of(ben, alpha, "2")
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        row.delete()
    plan = plan_closing(ben)
    assert (plan.rows, plan.memberships) == ({"alpha": 2}, ("alpha", "beta"))
    assert User.objects.get(pk=ben.pk).is_active


def test_continue_handovers__two_at_once__share_the_work(
    committing: Any, alpha: Any, ben: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several workers do every batch once."""
    monkeypatch.setattr(work, "BATCH", 3)
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        Study.objects.bulk_create(Study(code=str(number)) for number in range(30))
    close(ben, seconds=0)
    counts: list[int] = []

    def help_out() -> None:
        with operation():
            counts.append(sum(continue_handovers().values()))
        connection.close()

    threads = [threading.Thread(target=help_out) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with operation():
        counts.append(sum(continue_handovers().values()))
    assert sum(counts) == 30
