"""Members of a namespace: who joins, as what, who leaves, and what ends with it."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from shared_apps.accounts.models import Token, User
from shared_apps.namespaces.models import Membership, Namespace
from shared_apps.operations.models import AuditEntry
from smartmodels.exceptions import InvalidInput, OwnerClosed, SentinelProtected, SoleOwner
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy import life
from smartmodels.tenancy.errors import MemberExists, MemberNotFound, NamespaceStateRefused
from smartmodels.tenancy.models import State
from tests.support.clients import host_of
from tests.support.closing import in_thread
from tests.support.lives import act, audit_of


def role_of(user: Any, namespace: Namespace) -> str | None:
    return Membership.objects.filter(user=user, namespace=namespace).values_list("role", flat=True).first()


def test_member__added__has_the_role(alpha: Namespace, bea: User) -> None:
    """And is one from the next request on."""
    act(life.add_member, alpha, bea, "viewer")
    assert role_of(bea, alpha) == "viewer"


def test_member__added_again__is_as_before(alpha: Namespace, ben: User) -> None:
    """Repeating it is no error."""
    act(life.add_member, alpha, ben, "member")
    assert audit_of("alpha") == [("member-add", "unchanged")]


def test_member__added_with_another_role__is_refused(alpha: Namespace, ana: User) -> None:
    """Adding demotes and promotes nobody."""
    with pytest.raises(MemberExists):
        act(life.add_member, alpha, ana, "viewer")
    assert role_of(ana, alpha) == "owner"


@pytest.mark.parametrize("role", ["", "boss", "OWNER", "nul\x00", "half\ud800"])
@pytest.mark.parametrize("service", [life.add_member, life.change_role])
def test_role__nobody_knows__is_refused(alpha: Namespace, ben: User, service: Any, role: str) -> None:
    """And on record as such."""
    with pytest.raises(InvalidInput):
        act(service, alpha, ben, role)
    assert [outcome for _, outcome in audit_of("alpha")] == ["refused"]


def test_role__nobody_knows__cannot_be_stored(alpha: Namespace) -> None:
    """Not even by SQL."""
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE namespaces_membership SET role = 'boss'")


def test_sentinel__joins__nothing(alpha: Namespace) -> None:
    """It owns what others left behind."""
    with pytest.raises(SentinelProtected):
        act(life.add_member, alpha, User(pk=sentinel_id(), is_active=True), "member")


def test_account__closed__joins_nothing(alpha: Namespace, bea: User) -> None:
    """Somebody must be able to log in."""
    bea.is_active = False
    with pytest.raises(OwnerClosed):
        act(life.add_member, alpha, bea, "member")


@pytest.mark.parametrize("state", [State.DELETED, State.DELETING, State.RESERVED])
def test_members__of_what_is_not_there__are_refused(alpha: Namespace, bea: User, state: State) -> None:
    """Bring it back first."""
    Namespace.objects.filter(pk=alpha.pk).update(state=state)
    with pytest.raises(NamespaceStateRefused):
        act(life.add_member, alpha, bea, "member")


def test_role__changed__is_the_new_one(alpha: Namespace, ben: User) -> None:
    """The entry says what it was."""
    act(life.change_role, alpha, ben, "admin")
    assert role_of(ben, alpha) == "admin"
    assert AuditEntry.objects.get().details == {"role": "admin", "before": "member"}


def test_owner__the_last_one__stays_owner(alpha: Namespace, ana: User) -> None:
    """A namespace is never without one."""
    with pytest.raises(SoleOwner):
        act(life.change_role, alpha, ana, "admin")
    with pytest.raises(SoleOwner):
        act(life.remove_member, alpha, ana)
    assert role_of(ana, alpha) == "owner"


def test_owners__two_who_leave_at_once__leave_one(
    committing: Any, alpha: Namespace, ana: User, ben: User
) -> None:
    """One waits and sees the other gone."""
    act(life.change_role, alpha, ben, "owner")
    said: list[str] = []

    def leave(user: User) -> None:
        try:
            act(life.remove_member, alpha, user)
        except SoleOwner as error:
            said.append(error.code)

    for thread in [in_thread(lambda each=each: leave(each)) for each in (ana, ben)]:  # type: ignore[misc]
        thread.join()
    assert (said, Membership.objects.filter(namespace=alpha, role="owner").count()) == (["sole-owner"], 1)


def test_member__removed__is_nobody_at_once(alpha: Namespace, ben: User, client_of: Any) -> None:
    """Sessions and tokens of this namespace end; those of another go on."""
    browser = client_of(ben, alpha)
    _, here = Token.issue(ben, alpha.pk)
    act(life.remove_member, alpha, ben)
    by_token = Client(headers={"host": host_of(alpha), "authorization": f"Token {here}"})
    assert [browser.get("/admin/").status_code, by_token.get("/api/v1/studies/").status_code] == [302, 401]
    assert not Token.objects.filter(user=ben, namespace_id=alpha.pk).exists()


def test_member__removed__keeps_logins_elsewhere(
    alpha: Namespace, beta: Namespace, ben: User, client_of: Any
) -> None:
    """People may belong to several namespaces."""
    browser = client_of(ben, beta)
    act(life.remove_member, alpha, ben)
    assert browser.get("/admin/").status_code == 200


def test_member__removed_and_added_again__logs_in_anew(alpha: Namespace, ben: User, client_of: Any) -> None:
    """An old session does not come back to life."""
    browser = client_of(ben, alpha)
    act(life.remove_member, alpha, ben)
    act(life.add_member, alpha, ben, "member")
    assert browser.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    "service", [life.remove_member, lambda found, user: life.change_role(found, user, "admin")]
)
def test_stranger__in_a_namespace__is_not_found(alpha: Namespace, bea: User, service: Any) -> None:
    """Who is no member has no role."""
    with pytest.raises(MemberNotFound):
        act(service, alpha, bea)


def test_entries__about_people__name_them_by_key_alone(alpha: Namespace, ben: User, ana: User) -> None:
    """So that there is nothing to erase when an account is anonymised."""
    act(life.remove_member, alpha, ben)
    with pytest.raises(SoleOwner):
        act(life.remove_member, alpha, ana)
    entries = list(AuditEntry.objects.order_by("id").values())
    assert [entry["subject_id"] for entry in entries] == [ben.pk, ana.pk]
    assert "example.org" not in str(entries)


# The table


@pytest.mark.parametrize("statement", ["UPDATE {} SET slug = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_entries__once_written__stay(alpha: Namespace, statement: str) -> None:
    """Whoever tries."""
    act(life.suspend, alpha)
    with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(AuditEntry._meta.db_table))


def test_action__undone_with_its_transaction__is_not_on_record(alpha: Namespace) -> None:
    """The entry is part of the change."""
    with transaction.atomic():
        act(life.suspend, alpha)
        transaction.set_rollback(True)
    assert audit_of("alpha") == []


def test_action__refused__is_on_record(alpha: Namespace) -> None:
    """With what was said."""
    act(life.archive, alpha)
    with pytest.raises(NamespaceStateRefused):
        act(life.suspend, alpha)
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.outcome, "namespace unarchive" in entry.message) == ("refused", True)
