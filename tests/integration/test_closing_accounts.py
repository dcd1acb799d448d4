"""S4: what a user made outlives their account, owned by the sentinel."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from shared_apps.accounts.models import Session, Token, User
from shared_apps.namespaces.closing import close_account, continue_handovers
from shared_apps.namespaces.models import Handover, Membership
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import SentinelProtected, SoleOwner
from smartmodels.ownership import sentinel_id
from tenant_apps.research.models import Study


def study_of(user: Any, namespace: Any) -> Study:
    """A study that the user made in the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        study: Study = Study.objects.create(code="B")
    return study


def close(user: Any, **values: Any) -> Any:
    """Close the account as the operator does."""
    with operation(actor=Actor.command("account close")):
        return close_account(user, **values)


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
