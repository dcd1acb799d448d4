"""What is done to a namespace over REST: staff, on the public host."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Domain, Membership, Namespace
from shared_apps.operations.models import AuditEntry
from smartmodels.tenancy import life
from tests.support import txt
from tests.support.lives import act, audit_of

ALL = "/api/v1/namespaces/"
ALPHA = f"{ALL}alpha/"
AUDIT = "/api/v1/audit/"
BIRDS = "birds.example.org"


@pytest.fixture
def api(api_of: Callable[..., Any], staff: User) -> Any:
    """Staff on the public host."""
    return api_of(staff, None)


@pytest.fixture(autouse=True)
def _records(settings: Any) -> None:
    settings.SMARTMODELS_TXT_RESOLVER = "tests.support.txt.records_of"


def test_actions__one_after_the_other__lead_from_state_to_state(
    api: Any, alpha: Namespace, staff: User
) -> None:
    """Each answers with the namespace as it is, and leaves an entry that names staff."""
    wishes: list[tuple[str, Any, str]] = [
        ("suspend", None, "suspended"),
        ("resume", {}, "active"),
        ("maintenance", {"on": True, "message": "Back soon", "minutes": 5}, "maintenance"),
        ("maintenance", {"on": False}, "active"),
        ("archive", None, "archived"),
        ("unarchive", None, "active"),
        ("rename", {"slug": "alpha"}, "active"),
    ]
    answers = [api.post(f"{ALPHA}{action}/", body) for action, body, _ in wishes]
    assert [(answer.status_code, answer.json().get("state")) for answer in answers] == [
        (200, state) for _, _, state in wishes
    ]
    assert set(AuditEntry.objects.values_list("user_id", flat=True)) == {staff.pk}
    assert len(audit_of("alpha")) == len(wishes)


def test_action__dry__changes_nothing(api: Any, alpha: Namespace) -> None:
    """It answers with what would be."""
    assert api.post(f"{ALPHA}archive/", {"dry_run": True}).json()["state"] == "archived"
    assert (Namespace.objects.get(slug="alpha").state, audit_of("alpha")) == ("active", [])


def test_action__refused__names_the_state_and_the_way_out(api: Any, alpha: Namespace) -> None:
    """409, and it is on record."""
    act(life.archive, alpha)
    answer = api.post(f"{ALPHA}suspend/")
    assert (answer.status_code, answer.json()["code"]) == (409, "namespace-state-refused")
    assert "unarchive" in answer.json()["detail"]
    assert audit_of("alpha")[-1] == ("suspend", "refused")


def test_reason__in_the_header__is_on_record(api: Any, alpha: Namespace) -> None:
    """As with rows."""
    headers = {"x-reason": "unpaid"}
    api._client.post(f"{ALPHA}suspend/", {}, content_type="application/json", headers=headers)
    assert AuditEntry.objects.get().reason == "unpaid"


def test_rename__of_a_namespace__answers_on_its_new_address(api: Any, alpha: Namespace) -> None:
    """The primary host is the new one."""
    answer = api.post(f"{ALPHA}rename/", {"slug": "gamma"}).json()
    assert (answer["slug"], answer["host"], answer["hosts"]) == (
        "gamma",
        "gamma.localhost",
        ["gamma.localhost"],
    )


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("rename", {}),
        ("rename", {"slug": None}),
        ("rename", {"slug": "Not a slug"}),
        ("maintenance", {}),
        ("maintenance", {"on": "perhaps"}),
        ("maintenance", {"on": True, "minutes": -1}),
        ("maintenance", {"on": True, "message": "x" * 501}),
        ("suspend", {"colour": "blue"}),
        ("domains", {"host": "*.example.org"}),
        ("members", {"email": "x", "role": "member"}),
        ("members", {"email": "new@example.org", "role": "boss"}),
        ("purge", {"confirm": "beta"}),
    ],
)
def test_action__with_unusable_input__is_refused(api: Any, alpha: Namespace, action: str, body: Any) -> None:
    """And changes nothing."""
    before = Namespace.objects.filter(pk=alpha.pk).values().get()
    assert api.post(f"{ALPHA}{action}/", body).status_code == 400
    assert Namespace.objects.filter(pk=alpha.pk).values().get() == before


def test_deletion__taken_back__is_served_again(api: Any, alpha: Namespace) -> None:
    """Within the grace period."""
    deleted = api.delete(ALPHA, {"confirm": "alpha"})
    assert (deleted.status_code, deleted.json()["purge_after"] is not None) == (202, True)
    assert api.post(f"{ALPHA}undelete/").json()["state"] == "active"


def test_purge__confirmed__removes_it(committing: Any, api: Any, alpha: Namespace) -> None:
    """Nothing is left to be read."""
    api.delete(ALPHA, {"confirm": "alpha"})
    early = api.post(f"{ALPHA}purge/", {"confirm": "alpha"})
    done = api.post(f"{ALPHA}purge/", {"confirm": "alpha", "now": True})
    assert [early.status_code, done.status_code, api.get(ALPHA).status_code] == [409, 204, 404]


def test_domain__from_claim_to_removal__is_as_it_says(api: Any, alpha: Namespace) -> None:
    """Claim, prove, prefer, remove."""
    claimed = api.post(f"{ALPHA}domains/", {"host": "Birds.Example.org"})
    assert (claimed.status_code, claimed.json()["state"]) == (201, "pending")
    unproved = api.post(f"{ALPHA}domains/{BIRDS}/verify/")
    txt.RECORDS[claimed.json()["txt_name"]] = [claimed.json()["txt_text"]]
    answers = [api.post(f"{ALPHA}domains/{host}/{verb}/") for host, verb in
               ((BIRDS, "verify"), (BIRDS, "primary"), ("alpha.localhost", "primary"))]  # fmt: skip
    assert (unproved.status_code, [answer.status_code for answer in answers]) == (409, [200] * 3)
    assert [row["host"] for row in api.get(f"{ALPHA}domains/").json()] == ["alpha.localhost", BIRDS]
    assert api.delete(f"{ALPHA}domains/{BIRDS}/").status_code == 204
    assert not Domain.objects.filter(domain=BIRDS).exists()


def test_domain__dry__is_not_claimed(api: Any, alpha: Namespace) -> None:
    """It answers with what would be, but for the proof, which would be another one."""
    answer = api.post(f"{ALPHA}domains/", {"host": BIRDS, "dry_run": True})
    assert (answer.status_code, answer.json()["txt_text"]) == (201, None)
    assert not Domain.objects.filter(domain=BIRDS).exists()


def test_member__from_joining_to_leaving__is_as_it_says(api: Any, alpha: Namespace) -> None:
    """Admit, promote, remove."""
    made = api.post(f"{ALPHA}members/", {"email": "new@example.org", "role": "viewer"})
    assert (made.status_code, made.json()["role"], "initial_password" in made.json()) == (201, "viewer", True)
    address = f"{ALPHA}members/{made.json()['user']}/"
    assert api.patch(address, {"role": "admin"}).json()["role"] == "admin"
    assert len(api.get(f"{ALPHA}members/").json()["results"]) == 4
    assert [api.delete(address).status_code, api.delete(address).status_code] == [204, 404]


def test_owner__the_last_one__stays(api: Any, alpha: Namespace, ana: User) -> None:
    """409 for demotion and removal."""
    address = f"{ALPHA}members/{ana.pk}/"
    answers = [api.patch(address, {"role": "viewer"}), api.delete(address)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert Membership.objects.get(namespace=alpha, user=ana).role == "owner"


def test_audit__of_a_slug__names_who_did_what(
    api: Any, alpha: Namespace, beta: Namespace, staff: User
) -> None:
    """Newest first; accounts as they are called now."""
    for slug in ("alpha", "beta"):
        api.post(f"{ALL}{slug}/suspend/")
    User.objects.filter(pk=staff.pk).update(email="renamed@example.org")
    [entry] = api.get(AUDIT, slug="alpha").json()["results"]
    assert (entry["slug"], entry["action"], entry["actor"]) == ("alpha", "suspend", "renamed@example.org")


@pytest.mark.parametrize(
    "query", [{"colour": "blue"}, {"outcome": "perhaps"}, {"limit": "0"}, {"slug": "x" * 99}]
)
def test_audit__asked_for_nonsense__is_refused(api: Any, query: dict[str, str]) -> None:
    """As every list."""
    assert api.get(AUDIT, **query).status_code == 400


def test_audit__of_anything__takes_few_queries(
    api: Any, alpha: Namespace, django_assert_max_num_queries: Any
) -> None:
    """Session, account, count, entries, accounts in them."""
    for _ in range(3):
        api.post(f"{ALPHA}suspend/")
    with django_assert_max_num_queries(5):
        api.get(AUDIT)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", f"{ALPHA}{action}/")
        for action in ("suspend", "maintenance", "archive", "unarchive", "rename", "undelete", "purge")
    ]
    + [
        ("get", f"{ALPHA}domains/"),
        ("post", f"{ALPHA}domains/{BIRDS}/verify/"),
        ("delete", f"{ALPHA}domains/{BIRDS}/"),
        ("get", f"{ALPHA}members/"),
        ("get", AUDIT),
    ],
)
def test_any__not_staff__is_forbidden(
    api_of: Any, ana: User, alpha: Namespace, method: str, path: str
) -> None:
    """The owner of a namespace is nobody here."""
    assert getattr(api_of(ana, None), method)(path).status_code == 403
