"""S4: what a user made outlives their account, owned by the sentinel."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.utils import timezone

from shared_apps.accounts.models import Session, Token, User
from shared_apps.namespaces.closing import close_account, continue_handovers
from shared_apps.namespaces.models import Handover, Membership
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import InvalidInput, SentinelProtected, SoleOwner
from smartmodels.ownership import sentinel_id, take_back
from tenant_apps.research.models import Study


def study_of(user: Any, namespace: Any, code: str = "B") -> Study:
    """A study that the user made in the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        study: Study = Study.objects.create(code=code)
    return study


def close(user: Any, **values: Any) -> Any:
    """Close the account as the operator does."""
    with operation(actor=Actor.command("account close")):
        return close_account(user, **values)


def in_thread(job: Callable[[], Any]) -> threading.Thread:
    """Start the job in a thread with a connection of its own."""

    def run() -> None:
        try:
            job()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def owners_of(row: Study) -> tuple[Any, Any]:
    """Who owns the row by now, and which closed account it is remembered to come from."""
    row.refresh_from_db()
    return row.owner_id, row.former_owner_id


def test_close_account__member_of_two_namespaces__leaves_rows_to_the_sentinel(
    alpha: Any, beta: Any, ben: Any
) -> None:
    """The rows stay, owned by the sentinel; who made them stays written."""
    rows = {alpha: study_of(ben, alpha), beta: study_of(ben, beta)}
    closing = close(ben)
    assert closing.rows == {"alpha": 1, "beta": 1}
    for namespace, row in rows.items():
        with namespace_scope(namespace):
            row.refresh_from_db()
            assert (row.owner_id, row.former_owner_id, row.created_by_id) == (sentinel_id(), ben.pk, ben.pk)


def test_close_account__sessions_tokens_and_memberships__are_gone(
    alpha: Any, ben: Any, client_of: Any
) -> None:
    """Nothing that let the user in is left."""
    client_of(ben, alpha)
    Token.issue(ben, alpha.pk)
    close(ben)
    left = [Session.objects.filter(user_id=ben.pk), ben.tokens.all(), Membership.objects.filter(user=ben)]
    assert [rows.count() for rows in left] == [0, 0, 0]


def test_close_account__open_session__is_refused_from_the_next_request(
    alpha: Any, ben: Any, client_of: Any
) -> None:
    """S3: log-out holds at once."""
    client = client_of(ben, alpha)
    assert client.get("/api/v1/studies/").status_code == 200
    close(ben)
    assert client.get("/api/v1/studies/").status_code in (401, 403)


def test_close_account__sole_owner__is_refused_with_the_list(ana: Any) -> None:
    """A namespace is never left without an owner by accident."""
    with pytest.raises(SoleOwner) as caught:
        close(ana)
    assert caught.value.details["namespaces"] == ["alpha"]
    assert User.objects.get(pk=ana.pk).is_active


def test_close_account__sole_owner_with_an_heir__makes_the_heir_owner(ana: Any, ben: Any, alpha: Any) -> None:
    """--transfer-to names who takes over."""
    close(ana, transfer_to=ben)
    assert Membership.objects.get(namespace=alpha, user=ben).role == "owner"


def test_close_account__sentinel__is_refused(db: None) -> None:
    """The sentinel cannot be deleted."""
    with pytest.raises(SentinelProtected):
        close(User(pk=sentinel_id()))


def test_close_account__twice__changes_nothing(ben: Any, alpha: Any) -> None:
    """Closing is idempotent."""
    study_of(ben, alpha)
    close(ben)
    assert close(ben).rows == {}


@pytest.mark.parametrize("case", ["closed", "the same", "sentinel"])
def test_close_account__unfit_heir__is_refused(ana: Any, ben: Any, alpha: Any, case: str) -> None:
    """A namespace is handed to somebody who can look after it, or to nobody."""
    close(ben)
    heir = {"closed": ben, "the same": ana, "sentinel": User.objects.get(pk=sentinel_id())}[case]
    with pytest.raises(InvalidInput, match="cannot take over"):
        close(ana, transfer_to=heir)
    assert list(Membership.objects.filter(namespace=alpha, role="owner").values_list("user")) == [(ana.pk,)]


def test_close_account__two_owners_at_once__leaves_one(
    committing: Any, ana: Any, ben: Any, alpha: Any
) -> None:
    """The second to close waits for the first, and then is the only owner."""
    Membership.objects.filter(namespace=alpha, user=ben).update(role="owner")
    refused: list[SoleOwner] = []

    def close_ben() -> None:
        try:
            close(ben)
        except SoleOwner as error:
            refused.append(error)

    with transaction.atomic():
        close(ana)
        thread = in_thread(close_ben)
        thread.join(timeout=1)  # Time to go wrong: one that does not wait is through by now.
    thread.join()
    assert [error.details["namespaces"] for error in refused] == [["alpha"]]


def test_close_account__again_after_a_late_commit__hands_that_over(
    committing: Any, ben: Any, alpha: Any
) -> None:
    """A row that was being written while its owner's account was closed does not stay theirs."""
    written, closed = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            study_of(ben, alpha)
            written.set()
            closed.wait(timeout=60)

    thread = in_thread(write)
    assert written.wait(timeout=60)
    first = close(ben).rows
    closed.set()
    thread.join()
    assert (first["alpha"], close(ben).rows) == (0, {"alpha": 1})


@pytest.mark.parametrize(
    ("closed", "found"), [(timedelta(minutes=30), {"alpha": 1}), (timedelta(hours=9), {})]
)
def test_continue_handovers__late_row__is_found_within_the_hour(
    ben: Any, alpha: Any, closed: timedelta, found: dict[str, int]
) -> None:
    """The worker looks again at accounts that were closed lately, and lets older ones rest."""
    close(ben)
    study_of(ben, alpha)
    User.objects.filter(pk=ben.pk).update(closed_at=timezone.now() - closed)
    Handover.objects.update(finished_at=timezone.now() - timedelta(minutes=10))
    with operation(actor=Actor.system("worker")):
        assert continue_handovers() == found


def test_undelete__owner_closed_meanwhile__goes_to_the_sentinel(ana: Any, ben: Any, alpha: Any) -> None:
    """Restoring gives nothing to a closed account."""
    row = study_of(ben, alpha)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        row.delete()
        close(ben)
        row.undelete()
        assert owners_of(row) == (sentinel_id(), ben.pk)


def test_undelete__row_handed_over_before__stays_the_sentinels(ana: Any, ben: Any, alpha: Any) -> None:
    """Deleting and restoring does not undo a hand-over, nor forget whose the row was."""
    row = study_of(ben, alpha)
    close(ben)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        row.refresh_from_db()
        row.delete()
        row.undelete()
        assert owners_of(row) == (sentinel_id(), ben.pk)


@pytest.mark.parametrize("way", ["save", "update_fields", "update", "bulk_update"])
def test_undelete__row_given_to_somebody_after_the_hand_over__is_theirs(
    ana: Any, ben: Any, vic: Any, alpha: Any, way: str
) -> None:
    """The one who owned the row when it was deleted owns it again; the closed account is forgotten."""
    row = study_of(ben, alpha)
    close(ben)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        row.refresh_from_db()
        row.owner = vic
        ways: dict[str, Callable[[], Any]] = {
            "save": row.save,
            "update_fields": lambda: row.save(update_fields=["owner"]),
            "update": lambda: Study.objects.filter(pk=row.pk).update(owner=vic),
            "bulk_update": lambda: Study.objects.bulk_update([row], ["owner"]),
        }
        ways[way]()
        assert owners_of(row) == (vic.pk, None)
        row.delete()
        row.undelete()
        assert owners_of(row) == (vic.pk, None)


def test_take_back__living_and_deleted_rows__are_the_users_again(ana: Any, ben: Any, alpha: Any) -> None:
    """Taking back is the inverse of the hand-over, also for rows deleted before or after it."""
    living, before, after = (study_of(ben, alpha, code) for code in "LBA")
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        before.delete()
        close(ben)
        after.delete()
        assert take_back(ben.pk) == 3
        before.undelete()
        after.undelete()
        assert [owners_of(row) for row in (living, before, after)] == [(ben.pk, None)] * 3


def test_continue_handovers__cut_off_closing__is_finished(ben: Any, alpha: Any) -> None:
    """What a killed process left undone is found and done."""
    study_of(ben, alpha)
    Handover.objects.create(user=ben, namespace=alpha)
    with operation(actor=Actor.system("worker")):
        assert continue_handovers() == {"alpha": 1}


def test_account_command__dry_run__changes_nothing(ana: Any, capsys: Any) -> None:
    """The dry run says what stands in the way."""
    call_command("account", "close", ana.email, "--dry-run")
    assert "Only owner of alpha" in capsys.readouterr().out
    assert User.objects.get(pk=ana.pk).is_active


def test_account_command__unknown_address__says_so(db: None) -> None:
    """An error names what was not found."""
    with pytest.raises(CommandError, match="No account has the address"):
        call_command("account", "close", "nobody@example.org")
