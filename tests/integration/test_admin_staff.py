"""The staff site on the public host: namespaces, hosts, memberships, accounts."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client, override_settings

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Domain, HeldHost, Membership, Namespace
from shared_apps.operations.models import AuditEntry
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy import life
from tests.support import txt
from tests.support.clients import host_of
from tests.support.lives import act, audit_of
from tests.support.people import PASSWORD, email_of
from tests.zoo import tasks

NAMESPACES = "/admin/namespaces/namespace/"
NEW = f"{NAMESPACES}add/"
DOMAINS = "/admin/namespaces/domain/"
MEMBERSHIPS = "/admin/namespaces/membership/"
USERS = "/admin/accounts/user/"
AUDIT = "/admin/operations/auditentry/"


@pytest.fixture
def client(client_of: Any, staff: User) -> Client:
    return client_of(staff, None)


def errors(response: Any) -> Any:
    form = response.context.get("form") or response.context["adminform"].form
    return {name: [str(message) for message in messages] for name, messages in form.errors.items()}


# Getting in


@pytest.mark.parametrize("page", ["/admin/", NAMESPACES, NEW, USERS, DOMAINS, MEMBERSHIPS])
def test_page__member_without_staff_rights__is_sent_to_login(client_of: Any, ana: User, page: str) -> None:
    """The staff site is for staff."""
    assert client_of(ana, None).get(page).status_code == 302


@pytest.mark.parametrize("page", [USERS, DOMAINS, MEMBERSHIPS])
def test_page__staff_without_rights__sees_namespaces_only(client_of: Any, ana: User, page: str) -> None:
    """Staff provisions; accounts and memberships take a right of their own."""
    User.objects.filter(pk=ana.pk).update(is_staff=True)
    client = client_of(ana, None)
    assert (client.get(NAMESPACES).status_code, client.get(page).status_code) == (200, 403)


def test_page__of_the_staff_site__does_not_exist_in_a_namespace(
    client_of: Any, ana: User, alpha: Namespace
) -> None:
    """The two sites share nothing."""
    assert client_of(ana, alpha).get(NAMESPACES).status_code == 404


# Provisioning


def test_new_namespace__existing_account__is_served_at_once(committing: Any, client: Client) -> None:
    """Staff provisions by filling in a form; the owner can log in at the address shown."""
    response = client.post(NEW, {"slug": "gamma", "name": "Gamma", "owner": email_of("ben")})
    namespace = Namespace.objects.get(slug="gamma")
    login = Client(headers={"host": host_of(namespace)})
    entered = login.post("/admin/login/", {"username": email_of("ben"), "password": PASSWORD})
    assert (response.context["address"], response.context["password"], entered.status_code) == (
        "http://gamma.localhost/admin/",
        None,
        302,
    )


def test_new_namespace__new_account__shows_a_password_that_works(committing: Any, client: Client) -> None:
    """The initial password of a new account is shown, and logs in."""
    response = client.post(NEW, {"slug": "gamma", "name": "", "owner": "new@example.org"})
    account = User.objects.get(email="new@example.org")
    assert account.check_password(response.context["password"])


def test_new_namespace__shown_address__keeps_the_port(committing: Any, client: Client) -> None:
    """The link works on a development server, too."""
    data = {"slug": "gamma", "name": "", "owner": email_of("ben")}
    response = client.post(NEW, data, headers={"host": "localhost:8123"})
    assert response.context["address"] == "http://gamma.localhost:8123/admin/"


@pytest.mark.parametrize(
    ("slug", "owner", "status"),
    [
        ("alpha", email_of("ben"), 409),
        ("Bad_Slug", email_of("ben"), 400),
        ("www", email_of("ben"), 400),
        ("gamma", "nobody", 400),
        ("gamma", "sentinel@sentinel.invalid", 400),
        ("", "", 400),
        ("gam\x00ma", email_of("ben"), 400),
    ],
)
def test_new_namespace__unusable_input__is_marked_in_the_form(
    client: Client, slug: str, owner: str, status: int
) -> None:
    """The form comes back with what is wrong."""
    response = client.post(NEW, {"slug": slug, "name": "x", "owner": owner})
    assert (response.status_code, bool(errors(response))) == (status, True)


def test_new_namespace__slug_taken__makes_no_account(client: Client) -> None:
    """What is refused leaves nothing behind."""
    client.post(NEW, {"slug": "alpha", "name": "x", "owner": "new@example.org"})
    assert not User.objects.filter(email="new@example.org").exists()


# Namespaces


def test_suspend__action__stops_serving(client: Client, alpha: Namespace) -> None:
    """Staff suspends from the list."""
    client.post(NAMESPACES, {"action": "suspend", "_selected_action": [alpha.pk]})
    alpha.refresh_from_db()
    assert alpha.state == "suspended"


def test_resume__action__serves_again(client: Client, alpha: Namespace) -> None:
    """Staff resumes from the list."""
    act(life.suspend, alpha)
    client.post(NAMESPACES, {"action": "resume", "_selected_action": [alpha.pk]})
    alpha.refresh_from_db()
    assert alpha.state == "active"


def test_suspend__namespace_that_cannot_be__is_a_message(client: Client, alpha: Namespace) -> None:
    """What the service refuses is told."""
    Namespace.objects.filter(pk=alpha.pk).update(state="archived")
    data = {"action": "suspend", "_selected_action": [alpha.pk]}
    response = client.post(NAMESPACES, data, follow=True)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("begin_maintenance", "active", "maintenance"),
        ("end_maintenance", "maintenance", "active"),
        ("archive", "suspended", "archived"),
        ("unarchive", "archived", "active"),
        ("undelete", "deleted", "suspended"),
    ],
)
def test_action__on_a_namespace__leads_to_its_state(
    client: Client, alpha: Namespace, action: str, before: str, after: str
) -> None:
    """The lists offer what the services do, and it is on record."""
    Namespace.objects.filter(pk=alpha.pk).update(state=before, state_before="suspended")
    client.post(NAMESPACES, {"action": action, "_selected_action": [alpha.pk]})
    alpha.refresh_from_db()
    assert (alpha.state, len(audit_of("alpha"))) == (after, 1)


def test_rename__by_staff__leads_to_the_new_slug(client: Client, alpha: Namespace) -> None:
    """From a page of its own."""
    client.post(f"{NAMESPACES}{alpha.pk}/rename/", {"slug": "gamma"})
    alpha.refresh_from_db()
    assert alpha.slug == "gamma"


@pytest.mark.parametrize(("slug", "status"), [("beta", 409), ("www", 400), ("", 200)])
def test_rename__refused__is_marked_in_the_form(
    client: Client, alpha: Namespace, beta: Namespace, slug: str, status: int
) -> None:
    """The form comes back with what is wrong."""
    response = client.post(f"{NAMESPACES}{alpha.pk}/rename/", {"slug": slug})
    assert (response.status_code, "slug" in errors(response)) == (status, True)


def test_audit__list__names_who_did_what(
    client: Client, alpha: Namespace, django_assert_max_num_queries: Any
) -> None:
    """And cannot be changed."""
    client.post(NAMESPACES, {"action": "suspend", "_selected_action": [alpha.pk]})
    with django_assert_max_num_queries(8):
        page = client.get(AUDIT).content.decode()
    entry = AuditEntry.objects.get()
    assert email_of("staff") in page
    assert [client.post(f"{AUDIT}{path}").status_code for path in (f"{entry.pk}/change/", "add/")] == [
        403,
        403,
    ]


@pytest.mark.parametrize("field", ["slug", "schema_name", "state"])
def test_change__posted_identity__is_ignored(client: Client, alpha: Namespace, field: str) -> None:
    """Slug, schema and state belong to the services."""
    before = getattr(alpha, field)
    client.post(f"{NAMESPACES}{alpha.pk}/change/", {"name": "Alpha", field: "other"})
    alpha.refresh_from_db()
    assert getattr(alpha, field) == before


def test_change__name__is_saved(client: Client, alpha: Namespace) -> None:
    """The name people see can be changed."""
    client.post(f"{NAMESPACES}{alpha.pk}/change/", {"name": "Renamed"})
    alpha.refresh_from_db()
    assert alpha.name == "Renamed"


def test_delete__namespace__is_not_offered(client: Client, alpha: Namespace) -> None:
    """A namespace with all its rows is not removed by a click."""
    assert client.post(f"{NAMESPACES}{alpha.pk}/delete/", {"post": "yes"}).status_code == 403


def test_log__after_changes_by_staff__is_empty(client: Client, alpha: Namespace) -> None:
    """No log is kept in the public schema."""
    client.post(f"{NAMESPACES}{alpha.pk}/change/", {"name": "Renamed"})
    assert LogEntry.objects.count() == 0


# Hosts


@pytest.mark.parametrize(
    "host", ["localhost", "other.localhost", "beta.localhost", "a b", "x\x00.org", "alpha.localhost"]
)
def test_domain__of_somebody_else_or_malformed__is_refused(
    client: Client, alpha: Namespace, host: str
) -> None:
    """A namespace is given no host that is another's or none."""
    response = client.post(f"{DOMAINS}add/", {"domain": host, "tenant": alpha.pk})
    assert "domain" in errors(response)


@override_settings(SMARTMODELS_BASE_DOMAIN="example.org")
def test_domain__of_the_public_site__is_refused(client: Client, alpha: Namespace) -> None:
    """No namespace takes the public site's place."""
    data = {"domain": "Example.org", "tenant": alpha.pk}
    response = client.post(f"{DOMAINS}add/", data, headers={"host": "example.org"})
    assert "domain" in errors(response)


def test_domain__own_host__is_served_once_it_is_proved(
    client: Client, alpha: Namespace, settings: Any
) -> None:
    """A host of one's own is compared as requests are, and staff's word is no proof."""
    settings.SMARTMODELS_TXT_RESOLVER = "tests.support.txt.records_of"
    client.post(f"{DOMAINS}add/", {"domain": "Data.Example.ORG.", "tenant": alpha.pk})
    domain, browser = (
        Domain.objects.get(domain="data.example.org"),
        Client(headers={"host": "data.example.org"}),
    )
    before = browser.get("/admin/login/").status_code
    txt.RECORDS[f"_smartmodels.{domain}"] = [f"smartmodels={domain.proof}"]
    client.post(DOMAINS, {"action": "verify", "_selected_action": [domain.pk]})
    assert (before, browser.get("/admin/login/").status_code) == (404, 200)


def test_domain__pending__shows_its_record(client: Client, alpha: Namespace) -> None:
    """Staff reads there what is to be published."""
    client.post(f"{DOMAINS}add/", {"domain": "data.example.org", "tenant": alpha.pk})
    domain = Domain.objects.get(domain="data.example.org")
    assert domain.proof in client.get(f"{DOMAINS}{domain.pk}/change/").content.decode()


def test_domain__removed__is_held(client: Client, alpha: Namespace) -> None:
    """As by the command."""
    domain = Domain.objects.create(tenant=alpha, domain="data.example.org", is_primary=False)
    client.post(f"{DOMAINS}{domain.pk}/delete/", {"post": "yes"})
    assert HeldHost.objects.get().host == "data.example.org"


@pytest.mark.parametrize("page", ["change/", "delete/"])
def test_domain__that_follows_from_the_slug__cannot_be_changed(
    client: Client, alpha: Namespace, page: str
) -> None:
    """A namespace keeps the host of its slug."""
    domain = Domain.objects.get(tenant=alpha)
    data = {"post": "yes", "domain": "data.example.org", "tenant": alpha.pk}
    assert client.post(f"{DOMAINS}{domain.pk}/{page}", data).status_code == 403


# Memberships


def test_membership__sentinel__is_refused(client: Client, alpha: Namespace) -> None:
    """The sentinel joins nothing."""
    data = {"user": sentinel_id(), "namespace": alpha.pk, "role": "member"}
    assert "user" in errors(client.post(f"{MEMBERSHIPS}add/", data))


def test_membership__role__can_be_changed(client: Client, alpha: Namespace, ben: User) -> None:
    """Staff changes roles."""
    membership = Membership.objects.get(namespace=alpha, user=ben)
    client.post(f"{MEMBERSHIPS}{membership.pk}/change/", {"role": "admin"})
    membership.refresh_from_db()
    assert membership.role == "admin"


def test_membership__last_owner__keeps_the_role(client: Client, alpha: Namespace, ana: User) -> None:
    """A namespace is never without an owner."""
    membership = Membership.objects.get(namespace=alpha, user=ana)
    assert "role" in errors(client.post(f"{MEMBERSHIPS}{membership.pk}/change/", {"role": "member"}))


def test_membership__last_owner__cannot_be_removed(client: Client, alpha: Namespace, ana: User) -> None:
    """A namespace is never without an owner."""
    membership = Membership.objects.get(namespace=alpha, user=ana)
    response = client.post(f"{MEMBERSHIPS}{membership.pk}/delete/", {"post": "yes"})
    assert (response.status_code, Membership.objects.filter(pk=membership.pk).exists()) == (409, True)


def test_membership__posted_user_of_an_existing_one__is_ignored(
    client: Client, alpha: Namespace, ben: User, bea: User
) -> None:
    """A membership stays that of its member."""
    membership = Membership.objects.get(namespace=alpha, user=ben)
    client.post(f"{MEMBERSHIPS}{membership.pk}/change/", {"role": "viewer", "user": bea.pk})
    membership.refresh_from_db()
    assert membership.user_id == ben.pk


# Accounts


def test_user__password_digest__is_not_shown(client: Client, ana: User) -> None:
    """Nothing of a digest reaches a page."""
    assert b"pbkdf2" not in client.get(f"{USERS}{ana.pk}/change/").content


def test_user__posted_password__is_ignored(client: Client, ana: User) -> None:
    """A digest cannot be posted."""
    client.post(f"{USERS}{ana.pk}/change/", {"email": ana.email, "name": "", "password": "x"})
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)


def test_user__new_account__can_log_in(client: Client, alpha: Namespace) -> None:
    """Staff makes accounts; the address is folded."""
    secret = "a rather long secret"
    data = {"email": "New@Example.org", "name": "", "usable_password": "true"}
    client.post(f"{USERS}add/", {**data, "password1": secret, "password2": secret})
    assert User.objects.get(email="new@example.org").check_password(secret)


def test_user__password_page__sets_another(client: Client, ana: User) -> None:
    """Staff sets a new password."""
    secret = "a rather long secret"
    data = {"usable_password": "true", "password1": secret, "password2": secret}
    client.post(f"{USERS}{ana.pk}/password/", data)
    ana.refresh_from_db()
    assert ana.check_password(secret)


@pytest.mark.parametrize("page", ["change/", "password/", "delete/"])
def test_user__sentinel__cannot_be_changed(client: Client, page: str) -> None:
    """The sentinel is nobody's to change."""
    assert client.post(f"{USERS}{sentinel_id()}/{page}", {"email": "x@example.org"}).status_code == 403


def test_user__any__cannot_be_deleted(client: Client, ana: User) -> None:
    """Accounts are closed, which hands over what they own."""
    assert client.post(f"{USERS}{ana.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.fixture
def clerk(client_of: Any, ben: User) -> Client:
    """Staff with the right to change accounts, and no more."""
    User.objects.filter(pk=ben.pk).update(is_staff=True)
    ben.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    return client_of(ben, None)


def test_user__clerk_posts_staff_rights__gives_none(clerk: Client, ana: User) -> None:
    """Only superusers give rights away."""
    data = {"email": ana.email, "name": "x", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    clerk.post(f"{USERS}{ana.pk}/change/", data)
    ana.refresh_from_db()
    assert (ana.name, ana.is_staff, ana.is_superuser) == ("x", False, False)


def test_user__clerk__cannot_set_the_password_of_staff(clerk: Client, staff: User) -> None:
    """Nobody takes over an account that may do more."""
    assert clerk.post(f"{USERS}{staff.pk}/password/", {}).status_code == 403


@pytest.mark.parametrize("page", [NAMESPACES, USERS, DOMAINS, MEMBERSHIPS])
def test_list__takes_at_most_10_queries(
    client: Client, alpha: Namespace, page: str, django_assert_max_num_queries: Any
) -> None:
    """The lists of the staff site are bounded."""
    with django_assert_max_num_queries(10):
        client.get(page)


@pytest.mark.parametrize("page", [NAMESPACES, USERS, DOMAINS, MEMBERSHIPS])
@pytest.mark.parametrize("key", ["x", "%00", "9" * 40, "-1"])
def test_page__malformed_key__is_refused(client: Client, page: str, key: str) -> None:
    """A key that is none leads nowhere."""
    assert client.get(f"{page}{key}/change/").status_code in (302, 400, 404)


@pytest.mark.parametrize("key", ["x", "", "\x00"])
def test_action__malformed_key__is_not_found(client: Client, key: str) -> None:
    """A selected key that is none is refused."""
    data = {"action": "suspend", "_selected_action": [key]}
    assert client.post(NAMESPACES, data).status_code == 404


def test_membership__its_page__says_who_and_where(client: Client, alpha: Namespace, ben: User) -> None:
    """A key tells staff nothing."""
    key = Membership.objects.get(user=ben, namespace=alpha).pk
    assert f"{ben} in alpha" in client.get(f"{MEMBERSHIPS}{key}/change/").content.decode()


def test_job__its_page__leads_nowhere_that_is_not_there(
    client: Client, in_alpha: Namespace, ana: User
) -> None:
    """Jobs have no history, so the page of one offers none."""
    job = tasks.label.enqueue(text="x")
    page = client.get(f"/admin/operations/job/{job.pk}/change/").content.decode()
    assert ("label" in page, "/history/" in page) == (True, False)
