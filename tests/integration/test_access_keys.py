"""API keys: what opens with them, for how long, and what they leave behind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shared_apps.accounts.models import ApiKey, Token
from shared_apps.operations.models import AuditEntry
from smartmodels.context import namespace_scope
from smartmodels.history import timeline
from smartmodels.tenancy import life
from smartmodels.tenancy.errors import KeyRefused
from smartmodels.tenancy.keys import _check_of, new_secret, prefix_of
from smartmodels.tenancy.models import Role
from tenant_apps.research.models import Study
from tests.support.keys import make, program, status
from tests.support.lives import act

KEYS, STUDIES = "/api/v1/keys/", "/api/v1/studies/"
WISH = {"name": "importer", "scopes": ["studies:write"]}
Api = Callable[..., Any]


# Making


def test_key__made_over_rest__opens_the_namespace(api_of: Api, ana: Any, alpha: Any) -> None:
    """The secret is in the answer."""
    assert status(alpha, api_of(ana, alpha).post(KEYS, WISH).json()["key"]) == 200


def test_key__made__is_kept_as_a_digest(ana: Any, alpha: Any) -> None:
    """Neither the secret nor a part of it beyond the prefix is in the database."""
    key, secret = make(alpha, ana)
    assert bytes(key.digest) == ApiKey.digest_of(secret)


def test_key__read_later__shows_its_prefix_alone(api_of: Api, ana: Any, alpha: Any) -> None:
    """The secret was shown once."""
    made = api_of(ana, alpha).post(KEYS, WISH).json()
    shown = api_of(ana, alpha).get(f"{KEYS}{made['id']}/").content.decode()
    assert (made["prefix"] in shown, made["key"] in shown) == (True, False)


def test_key__made__is_on_record_without_its_secret(ana: Any, alpha: Any) -> None:
    """The audit names the prefix."""
    key, secret = make(alpha, ana)
    entry = AuditEntry.objects.get(action="key-make")
    assert (entry.details["key"], secret in str(entry.details)) == (key.prefix, False)


@pytest.mark.parametrize(("person", "expected"), [("ana", 201), ("ben", 403), ("vic", 403)])
def test_keys__by_role__are_made_by_managers(
    request: pytest.FixtureRequest, api_of: Api, alpha: Any, person: str, expected: int
) -> None:
    """Members and viewers make none."""
    assert api_of(request.getfixturevalue(person), alpha).post(KEYS, WISH).status_code == expected


@pytest.mark.parametrize(
    "wish",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": ["nothing-here:read"]},
        {"scopes": ["studies:read\x00"]},
        {"scopes": ["read"] * 51},
        {"role": "owner"},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "nul\x00"},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "9999-01-01T00:00:00Z"},
        {"namespace": "beta"},
        {"maker": "00000000-0000-7000-8000-000000000001"},
    ],
)
def test_key__wish_that_cannot_be__is_refused(
    api_of: Api, ana: Any, alpha: Any, wish: dict[str, Any]
) -> None:
    """With 400, and nothing is made."""
    answer = api_of(ana, alpha).post(KEYS, {**WISH, **wish})
    assert (answer.status_code, ApiKey.objects.count()) == (400, 0)


def test_key__of_an_admin__is_no_more_than_admin(alpha: Any, ben: Any, api_of: Api) -> None:
    """Nobody gives away more than they have."""
    alpha.memberships.filter(user=ben).update(role=Role.ADMIN)
    assert api_of(ben, alpha).post(KEYS, {**WISH, "role": "admin"}).status_code == 201


def test_keys__too_many__are_refused(alpha: Any, ana: Any, settings: Any) -> None:
    """Revoked ones do not count."""
    settings.SMARTMODELS_KEYS_PER_NAMESPACE = 1
    key, _ = make(alpha, ana)
    act(life.revoke_key, alpha, key)
    make(alpha, ana)
    with pytest.raises(KeyRefused):
        make(alpha, ana)


# Who acts


def test_key__that_writes__is_the_actor(alpha: Any, ana: Any) -> None:
    """History names the key, and the row belongs to who made it."""
    key, secret = make(alpha, ana)
    row = program(alpha, secret).post(STUDIES, {"code": "K"}, content_type="application/json").json()
    with namespace_scope(alpha):
        version = timeline(Study, row["id"]).get()
        owner = Study.objects.get(pk=row["id"]).owner_id
    assert (version.actor_kind, str(key) in version.actor_label, owner) == (
        "api_key", True, ana.pk,
    )  # fmt: skip


@pytest.mark.parametrize(("role", "expected"), [("viewer", 403), ("member", 201), ("admin", 201)])
def test_key__by_role__writes_or_not(alpha: Any, ana: Any, role: str, expected: int) -> None:
    """Scopes widen no role."""
    _, secret = make(alpha, ana, role=role)
    sent = program(alpha, secret).post(STUDIES, {"code": "K"}, content_type="application/json")
    assert sent.status_code == expected


def test_key__whose_maker_is_demoted__may_no_more_than_they(alpha: Any, ben: Any) -> None:
    """From the next request on."""
    alpha.memberships.filter(user=ben).update(role=Role.ADMIN)
    _, secret = make(alpha, ben, role="admin")
    alpha.memberships.filter(user=ben).update(role=Role.VIEWER)
    sent = program(alpha, secret).post(STUDIES, {"code": "K"}, content_type="application/json")
    assert (sent.status_code, status(alpha, secret)) == (403, 200)


def test_key__of_staff__does_not_pass_a_closed_door(alpha: Any, staff: Any, ana: Any) -> None:
    """Staff pass in person."""
    act(life.add_member, alpha, staff, "admin")
    _, secret = make(alpha, staff)
    act(life.suspend, alpha)
    assert status(alpha, secret) == 503


# What ends it


def ended_by_revocation(alpha: Any, ana: Any, key: Any) -> None:
    act(life.revoke_key, alpha, key)


def ended_by_time(alpha: Any, ana: Any, key: Any) -> None:
    ApiKey.objects.update(expires_at=timezone.now())


def ended_with_membership(alpha: Any, ana: Any, key: Any) -> None:
    alpha.memberships.filter(user=key.maker).delete()


def ended_with_account(alpha: Any, ana: Any, key: Any) -> None:
    key.maker.is_active = False
    key.maker.save()


def ended_with_deletion(alpha: Any, ana: Any, key: Any) -> None:
    act(life.delete, alpha)
    act(life.undelete, alpha)


def ended_with_removal(alpha: Any, ana: Any, key: Any) -> None:
    act(life.remove_member, alpha, key.maker)
    act(life.add_member, alpha, key.maker, "admin")


@pytest.mark.parametrize(
    "end",
    [
        ended_by_revocation, ended_by_time, ended_with_membership, ended_with_account, ended_with_deletion,
        ended_with_removal,
    ],
)  # fmt: skip
def test_key__ended__opens_nothing_from_the_next_request_on(
    alpha: Any, ana: Any, ben: Any, end: Callable[..., None]
) -> None:
    """Whatever ended it, and nothing that comes later revives it."""
    alpha.memberships.filter(user=ben).update(role=Role.ADMIN)
    key, secret = make(alpha, ben)
    before = status(alpha, secret)
    end(alpha, ana, key)
    assert (before, status(alpha, secret)) == (200, 401)


def test_key__of_a_suspended_namespace__waits(alpha: Any, ana: Any) -> None:
    """It opens again with the namespace."""
    _, secret = make(alpha, ana)
    act(life.suspend, alpha)
    closed = status(alpha, secret)
    act(life.resume, alpha)
    assert (closed, status(alpha, secret)) == (503, 200)


def test_key__of_one_namespace__opens_no_other(alpha: Any, beta: Any, ben: Any) -> None:
    """Even where its maker is a member, and on the public host."""
    alpha.memberships.filter(user=ben).update(role=Role.ADMIN)
    _, secret = make(alpha, ben)
    assert (status(beta, secret), status(None, secret, "/api/v1/namespaces/")) == (401, 401)


def test_key__of_one_namespace__is_not_to_be_found_in_another(
    api_of: Api, alpha: Any, beta: Any, ana: Any, bea: Any
) -> None:
    """Nor read, rotated or revoked there."""
    key, secret = make(alpha, ana)
    api = api_of(bea, beta)
    answers = [
        api.get(f"{KEYS}{key.pk}/"),
        api.post(f"{KEYS}{key.pk}/rotate/", {}),
        api.post(f"{KEYS}{key.pk}/revoke/"),
    ]
    assert ([each.status_code for each in answers], status(alpha, secret)) == ([404] * 3, 200)


# Rotation


def test_rotate__within_the_overlap__both_are_good(api_of: Api, alpha: Any, ana: Any) -> None:
    """The program changes over when it suits it."""
    key, old = make(alpha, ana)
    new = api_of(ana, alpha).post(f"{KEYS}{key.pk}/rotate/", {"overlap_hours": 1}).json()["key"]
    assert (status(alpha, old), status(alpha, new)) == (200, 200)


def test_rotate__after_the_overlap__the_old_one_is_not(api_of: Api, alpha: Any, ana: Any) -> None:
    """No hours: at once."""
    key, old = make(alpha, ana)
    new = api_of(ana, alpha).post(f"{KEYS}{key.pk}/rotate/", {"overlap_hours": 0}).json()["key"]
    assert (status(alpha, old), status(alpha, new)) == (401, 200)


def test_rotate__key_that_expires_sooner__does_not_prolong_it(alpha: Any, ana: Any) -> None:
    """The overlap is a limit, not a promise."""
    ends = timezone.now() + timedelta(hours=1)
    key, _ = make(alpha, ana, expires_at=ends)
    act(life.rotate_key, alpha, key, ana, overlap=timedelta(hours=9))
    key.refresh_from_db()
    assert key.expires_at == ends


def test_rotate__key_replaced_already__is_refused(api_of: Api, alpha: Any, ana: Any) -> None:
    """Otherwise a chain would branch."""
    key, _ = make(alpha, ana)
    answers = [api_of(ana, alpha).post(f"{KEYS}{key.pk}/rotate/", {}) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 409]


def test_rotate__key_of_another__is_refused(api_of: Api, alpha: Any, ana: Any, ben: Any) -> None:
    """The new one would act for somebody else."""
    alpha.memberships.filter(user=ben).update(role=Role.ADMIN)
    key, _ = make(alpha, ana)
    assert api_of(ben, alpha).post(f"{KEYS}{key.pk}/rotate/", {}).status_code == 403


def test_revoke__key_of_another__is_for_managers(api_of: Api, alpha: Any, ana: Any, ben: Any) -> None:
    """Whoever finds a leak ends it; twice is no error."""
    alpha.memberships.filter(user=ben).update(role=Role.ADMIN)
    key, secret = make(alpha, ana)
    answers = [api_of(ben, alpha).post(f"{KEYS}{key.pk}/revoke/").status_code for _ in range(2)]
    assert (answers, status(alpha, secret)) == ([200, 200], 401)


# What it costs


def asked(namespace: Any, secret: str) -> list[str]:
    """The statements of a request about who asks and when."""
    with CaptureQueriesContext(connection) as sent:
        assert status(namespace, secret) == 200
    mine = ("accounts_apikey", "accounts_token", "namespaces_membership", "UPDATE")
    return [each["sql"] for each in sent if any(word in each["sql"] for word in mine)]


def test_key__used_again_within_a_minute__costs_one_statement(alpha: Any, ana: Any) -> None:
    """A person's token costs two, for the token and for the membership."""
    _, secret = make(alpha, ana)
    status(alpha, secret)
    _, token = Token.issue(ana, alpha.pk)
    assert (len(asked(alpha, secret)), len(asked(alpha, token))) == (1, 2)


def test_key__used_after_a_minute__is_noted_once(alpha: Any, ana: Any) -> None:
    """After the answer was sent."""
    key, secret = make(alpha, ana)
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    counts = [len(asked(alpha, secret)) for _ in range(3)]
    key.refresh_from_db()
    assert (counts, timezone.now() - key.last_used_at < timedelta(seconds=30)) == ([2, 1, 1], True)


# Hostile input


def test_secret__new__reads_back_its_prefix() -> None:
    """And a slip of one character is noticed."""
    prefix, secret = new_secret()
    wrong = secret[:20] + ("a" if secret[20] != "a" else "b") + secret[21:]
    assert (prefix_of(secret), prefix_of(wrong)) == (prefix, None)


@pytest.mark.parametrize(
    "shown",
    [
        "smk_", "smk_x", "smk_" + "a" * 47, "smk_aaaaaaaa_" + "a" * 100_000, "smk_\xfc\xfc", "smk_a\x00b",
        "smk_aaaaaaaa_\u0661", "SMK_aaaaaaaa_x", "smk_aaaaaaaa_' OR 1=1 --", "a\x00b", "\xff\xfe", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["Bearer", "token", "bEaReR"])
def test_secret__that_is_none__is_refused(alpha: Any, shown: str, scheme: str) -> None:
    """With 401, whatever it holds."""
    assert program(alpha, shown, scheme).get(STUDIES).status_code == 401


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "", "Bearer:", "Key"])
def test_key__shown_by_another_scheme__is_nobodys(alpha: Any, ana: Any, scheme: str) -> None:
    """There are two ways to show it."""
    _, secret = make(alpha, ana)
    assert program(alpha, secret, scheme).get(STUDIES).status_code == 401


def test_key__outside_of_the_api__is_nobodys(alpha: Any, ana: Any) -> None:
    """The pages of the admin are for people, whatever the scopes."""
    _, secret = make(alpha, ana)
    assert program(alpha, secret).get("/admin/")["Location"].startswith("/admin/login/")


def test_key__almost_right__sends_no_statement(alpha: Any) -> None:
    """What cannot be a key is known by its check characters."""
    with CaptureQueriesContext(connection) as sent:
        status(alpha, "smk_aaaaaaaa_" + "a" * 38)
    assert [each for each in sent if "accounts_" in each["sql"]] == []


def test_key__with_the_prefix_of_another__is_refused(alpha: Any, ana: Any) -> None:
    """The digest decides."""
    key, _ = make(alpha, ana)
    begun = new_secret()[1]
    forged = begun[:4] + key.prefix + begun[12:-6]
    assert status(alpha, forged + _check_of(forged)) == 401
