"""S4: what a user made outlives their account, owned by the sentinel."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from shared_apps.accounts.models import Session, Token, User
from shared_apps.namespaces.closing import continue_handovers, work
from shared_apps.namespaces.models import Handover, Membership, Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import InvalidInput, SentinelProtected, SoleOwner
from smartmodels.ownership import sentinel_id, take_back
from tenant_apps.research.models import Study
from tests.support.closing import close, in_thread, owners_of, study_of


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows a batch."""
    monkeypatch.setattr(work, "BATCH", 2)


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


@pytest.mark.parametrize("state", ["suspended", "creating"])
def test_close_account__sole_owner_of_what_may_be_served_again__is_refused(
    ana: Any, alpha: Any, state: str
) -> None:
    """A suspended or half-made namespace needs an owner as much as an active one."""
    Namespace.objects.filter(pk=alpha.pk).update(state=state)
    with pytest.raises(SoleOwner):
        close(ana)


@pytest.mark.parametrize("state", ["suspended", "archived"])
def test_close_account__namespace_that_is_not_served__is_handed_over_as_well(
    ben: Any, alpha: Any, state: str
) -> None:
    """Nothing stays behind where nobody looks at the moment."""
    study_of(ben, alpha)
    Namespace.objects.filter(pk=alpha.pk).update(state=state)
    assert close(ben).rows["alpha"] == 1


def test_close_account__many_namespaces__are_one_operation(ben: Any, alpha: Any, beta: Any) -> None:
    """What the closing changed everywhere can be found under one id, that of the hand-overs."""
    rows = {alpha: study_of(ben, alpha), beta: study_of(ben, beta)}
    closing = close(ben)
    found = set(Handover.objects.filter(user=ben).values_list("operation_id", flat=True))
    for namespace, row in rows.items():
        with namespace_scope(namespace):
            found.add(row.history.latest("history_id").operation_id)
    assert found == {closing.operation_id}


def test_close_account__more_rows_than_a_batch__reports_each_batch(
    ben: Any, alpha: Any, beta: Any, small_batches: None
) -> None:
    """The progress names the namespace and the rows done there so far."""
    for number in range(5):
        study_of(ben, alpha, f"B{number}")
    told: list[tuple[str, int]] = []
    close(ben, progress=lambda slug, rows: told.append((slug, rows)))
    assert told == [("alpha", 2), ("alpha", 4), ("alpha", 5), ("alpha", 5), ("beta", 0)]


def test_close_account__out_of_time__leaves_the_rest_to_the_worker(ben: Any, alpha: Any) -> None:
    """A request does not wait for a million rows: what is left is said, and done later."""
    study_of(ben, alpha)
    closing = close(ben, seconds=0)
    with operation(actor=Actor.system("worker")):
        assert (closing.left, continue_handovers()) == (("alpha", "beta"), {"alpha": 1, "beta": 0})


def test_continue_handovers__broken_namespace__does_not_stop_the_others(
    ben: Any, alpha: Any, beta: Any, caplog: Any
) -> None:
    """What cannot be done in one namespace is logged and left for later."""
    study_of(ben, beta)
    Namespace.objects.filter(pk=alpha.pk).update(schema_name="t_gone")
    closing = close(ben)
    assert (closing.rows, closing.left) == ({"beta": 1}, ("alpha",))
    assert "not finished in alpha" in caplog.text


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
        User.objects.filter(pk=ben.pk).update(closed_at=None)
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
