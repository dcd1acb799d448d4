"""The sentinel owns what others leave behind, and is nobody: every way to make it somebody is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, authenticate
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from shared_apps.accounts.models import Token, User
from shared_apps.accounts.sessions import SessionStore
from shared_apps.namespaces.closing import anonymise_account, close_account
from shared_apps.namespaces.models import Membership
from smartmodels.context import namespace_scope, operation
from smartmodels.exceptions import AccountKept, InvalidInput, SentinelProtected
from smartmodels.management.namespaces import owner_account
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy.models import Role
from smartmodels.tenancy.provisioning import reserve
from tests.support.clients import session_client
from tests.support.people import PASSWORD


@pytest.fixture
def sentinel(db: None) -> User:
    """The sentinel's account."""
    user: User = User.objects.get(pk=sentinel_id())
    return user


def in_sql(statement: str, *values: Any) -> None:
    """Go round everything that is written in Python."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def renamed(sentinel: User) -> None:
    """Give the sentinel a name by saving it."""
    sentinel.name = "Somebody"
    sentinel.save()


def with_password(sentinel: User) -> None:
    """Give the sentinel a password by saving it."""
    sentinel.set_password(PASSWORD)
    sentinel.save(update_fields=["password"])


def transferred_to(sentinel: User) -> None:
    """Close the account of an owner and name the sentinel as the next."""
    with operation():
        close_account(User.objects.get(email="ana@example.org"), transfer_to=sentinel)


def of(service: Callable[[User], Any]) -> Callable[[User], None]:
    """Call a service of accounts for the sentinel."""

    def call(sentinel: User) -> None:
        with operation():
            service(sentinel)

    return call


ATTEMPTS: dict[str, Callable[[User], Any]] = {
    "delete": lambda sentinel: sentinel.delete(),
    "delete in SQL": lambda _: in_sql("DELETE FROM accounts_user WHERE id = %s", sentinel_id()),
    "rename": renamed,
    "rename in bulk": lambda _: User.objects.filter(name="Sentinel").update(name="Somebody"),
    "bulk_update": lambda sentinel: User.objects.bulk_update([sentinel], ["name"]),
    "update of all": lambda _: User.objects.update(is_active=True),
    "rename in SQL": lambda _: in_sql(
        "UPDATE accounts_user SET email = 'a@b.c' WHERE id = %s", sentinel_id()
    ),
    "another key": lambda _: in_sql(
        "UPDATE accounts_user SET id = gen_random_uuid() WHERE id = %s", sentinel_id()
    ),
    "password": with_password,
    "activate": lambda _: User.objects.filter(pk=sentinel_id()).update(is_active=True),
    "make staff": lambda _: User.objects.filter(pk=sentinel_id()).update(is_staff=True),
    "token": lambda sentinel: Token.issue(sentinel, None),
    "token in bulk": lambda sentinel: Token.objects.bulk_create([Token(user=sentinel, digest=b"x")]),
    "token of somebody else": lambda sentinel: Token.objects.update(user=sentinel),
    "member": lambda sentinel: Membership.objects.create(namespace=alpha_of(), user=sentinel),
    "member in bulk": lambda sentinel: Membership.objects.bulk_create(
        [Membership(namespace=alpha_of(), user=sentinel)]
    ),
    "member by update": lambda sentinel: Membership.objects.filter(user__email="vic@example.org").update(
        user=sentinel
    ),
    "owner of a new namespace": lambda sentinel: reserve("gamma", name="Gamma", owner=sentinel),
    "close": of(close_account),
    "anonymise": of(anonymise_account),
}


def alpha_of() -> Any:
    """The namespace alpha."""
    return Membership.objects.get(user__email="ana@example.org").namespace


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_sentinel__attempt_to_change_or_use_it__is_refused(sentinel: User, attempt: str) -> None:
    """In models, in services and in the database."""
    Token.issue(User.objects.get(email="ben@example.org"), None)
    with pytest.raises(SentinelProtected), transaction.atomic():
        ATTEMPTS[attempt](sentinel)
    sentinel.refresh_from_db()
    assert (sentinel.name, sentinel.is_active, sentinel.tokens.count()) == ("Sentinel", False, 0)


def test_sentinel__heir_of_an_owner__is_refused(sentinel: User) -> None:
    """A namespace goes to a person."""
    with pytest.raises(InvalidInput, match="cannot take over"):
        transferred_to(sentinel)


def test_sentinel__owner_by_address__is_refused(sentinel: User) -> None:
    """Nor can staff name it when a namespace is made."""
    with pytest.raises(InvalidInput, match="can own nothing"):
        owner_account(sentinel.email)


def test_sentinel__log_in__is_refused(sentinel: User) -> None:
    """There is no password, and none would do."""
    assert authenticate(username=sentinel.email, password="") is None


def test_sentinel__forged_session__is_nobody(sentinel: User, alpha: Any) -> None:
    """Even a session in its name lets nobody in."""
    client: Client = session_client(None, alpha)
    with namespace_scope(alpha):
        session = SessionStore()
        session[SESSION_KEY] = str(sentinel.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = sentinel.get_session_auth_hash()
        session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    assert client.get("/api/v1/studies/").status_code == 401


def test_sentinel__command__says_why_not(db: None) -> None:
    """The operator is told in one sentence."""
    with pytest.raises(CommandError, match=r"\[sentinel-protected\]"):
        call_command("account", "close", User.objects.get(pk=sentinel_id()).email)


def test_sentinel__api__answers_409(api_of: Any, staff: Any) -> None:
    """Staff cannot close it over HTTP either."""
    answer = api_of(staff, None).post(f"/api/v1/accounts/{sentinel_id()}/close/", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "sentinel-protected")


@pytest.mark.parametrize(
    "attempt",
    {
        "instance": lambda user: user.delete(),
        "queryset": lambda user: User.objects.filter(pk=user.pk).delete(),
        "all": lambda _: User.objects.all().delete(),
    }.values(),
    ids=["instance", "queryset", "all"],
)
def test_user__delete__is_refused(ben: User, attempt: Callable[[User], Any]) -> None:
    """Rows and histories name accounts: they are closed, not deleted."""
    with pytest.raises(AccountKept, match="close"):
        attempt(ben)
    assert User.objects.filter(pk=ben.pk).exists()


def test_membership__closed_account__is_refused(alpha: Any, vic: User) -> None:
    """Who is gone is made a member by nobody, not even by a request that is under way."""
    with operation():
        close_account(vic)
    with pytest.raises(Exception, match="is closed"), transaction.atomic():
        Membership.objects.create(namespace=alpha, user=vic, role=Role.ADMIN)
    with pytest.raises(Exception, match="is closed"), transaction.atomic():
        Token.issue(vic, alpha.pk)
