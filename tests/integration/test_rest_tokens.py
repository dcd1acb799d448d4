"""Tokens: how one gets them, gives them back, and where they hold."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from shared_apps.accounts.models import Token
from tests.support.clients import host_of
from tests.support.people import PASSWORD

TOKEN = "/api/v1/token/"


def ask(namespace: Any, email: str, password: str = PASSWORD, **extra: Any) -> Any:
    client = Client(headers={"host": host_of(namespace)}, **extra)
    return client.post(TOKEN, {"email": email, "password": password}, content_type="application/json")


def use(namespace: Any, secret: str, path: str = "/api/v1/studies/") -> Any:
    headers = {"host": host_of(namespace), "authorization": f"Bearer {secret}"}
    return Client(headers=headers).get(path)


def test_token__password_right__opens_the_namespace(ana: Any, alpha: Any) -> None:
    """The token stands for the account."""
    assert use(alpha, ask(alpha, ana.email).json()["token"]).status_code == 200


def test_token__address_in_capitals__is_the_same_account(ana: Any, alpha: Any) -> None:
    """Addresses are compared without regard to case."""
    assert ask(alpha, ana.email.upper()).status_code == 201


def test_token__of_one_namespace__is_refused_at_another(ben: Any, alpha: Any, beta: Any) -> None:
    """Even of somebody who is a member of both."""
    answer = use(beta, ask(alpha, ben.email).json()["token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")


def test_token__of_a_namespace__is_refused_on_the_public_host(ana: Any, alpha: Any) -> None:
    """A namespace's token opens nothing else."""
    assert use(None, ask(alpha, ana.email).json()["token"], "/api/v1/namespaces/").status_code == 401


def test_token__is_kept__only_as_a_digest(ana: Any, alpha: Any) -> None:
    """The secret is not in the database."""
    secret = ask(alpha, ana.email).json()["token"]
    assert bytes(Token.objects.get(user=ana).digest) == Token.digest_of(secret)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ana@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
        ("bea@example.org", PASSWORD),
        ("staff@example.org", PASSWORD),
        ("sentinel@sentinel.invalid", ""),
        ("ana", PASSWORD),
    ],
)
def test_token__refused__is_refused_alike(ana: Any, alpha: Any, email: str, password: str) -> None:
    """Wrong password, unknown account, no member here: nobody can tell which."""
    answer = ask(alpha, email, password or "x").json()
    del answer["request_id"]
    expected = ask(alpha, "ana@example.org", "wrong as well").json()
    del expected["request_id"]
    assert answer == expected


def test_token__closed_account__is_refused(ana: Any, alpha: Any) -> None:
    """The right password of a closed account is as good as a wrong one."""
    ana.is_active = False
    ana.save()
    assert ask(alpha, ana.email).status_code == 401


def test_token__account_closed_later__no_longer_holds(ana: Any, alpha: Any) -> None:
    """Closing an account ends its tokens."""
    secret = ask(alpha, ana.email).json()["token"]
    ana.is_active = False
    ana.save()
    assert use(alpha, secret).status_code == 401


def test_token__eleventh_attempt__has_to_wait(ana: Any, alpha: Any) -> None:
    """Guessing is stopped, and the answer says for how long."""
    answers = [ask(alpha, ana.email, "wrong") for _ in range(11)]
    assert ([answer.status_code for answer in answers], int(answers[-1]["Retry-After"]) > 0) == (
        [401] * 10 + [429],
        True,
    )


def test_token__guessing_stopped__also_for_the_right_password(ana: Any, alpha: Any) -> None:
    """Otherwise the limit would tell when a guess was right."""
    for _ in range(10):
        ask(alpha, ana.email, "wrong")
    assert ask(alpha, ana.email).status_code == 429


def test_token__guessing_an_unknown_account__is_stopped_alike(alpha: Any) -> None:
    """The limit does not tell which accounts exist."""
    assert [ask(alpha, "nobody@example.org").status_code for _ in range(11)][-1] == 429


def test_token__guessing_stopped_in_one_namespace__goes_on_in_another(
    ben: Any, alpha: Any, beta: Any
) -> None:
    """Counts are never shared between namespaces."""
    for _ in range(11):
        ask(alpha, ben.email, "wrong")
    assert ask(beta, ben.email).status_code == 201


def test_token__guessing_stopped_from_one_address__goes_on_from_another(ana: Any, alpha: Any) -> None:
    """Nobody locks somebody else out."""
    for _ in range(11):
        ask(alpha, ana.email, "wrong", REMOTE_ADDR="192.0.2.1")
    assert ask(alpha, ana.email, REMOTE_ADDR="192.0.2.2").status_code == 201


def test_token__forwarded_address_claimed__does_not_help(ana: Any, alpha: Any) -> None:
    """Without a proxy nobody says where they come from."""
    answers = [ask(alpha, ana.email, "wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{n}") for n in range(11)]
    assert answers[-1].status_code == 429


def test_token__right_password__starts_the_count_again(ana: Any, alpha: Any) -> None:
    """Somebody who mistypes now and then is not locked out."""
    for _ in range(3):
        for _ in range(8):
            ask(alpha, ana.email, "wrong")
        answer = ask(alpha, ana.email)
    assert answer.status_code == 201


def test_revoke__token__ends_it(ana: Any, alpha: Any) -> None:
    """A revoked token is no token."""
    secret = ask(alpha, ana.email).json()["token"]
    Client(headers={"host": host_of(alpha), "authorization": f"Bearer {secret}"}).delete(TOKEN)
    assert use(alpha, secret).status_code == 401


def test_revoke__token__leaves_the_others(ana: Any, alpha: Any) -> None:
    """Only the token that is presented ends."""
    first, second = (ask(alpha, ana.email).json()["token"] for _ in range(2))
    Client(headers={"host": host_of(alpha), "authorization": f"Bearer {first}"}).delete(TOKEN)
    assert use(alpha, second).status_code == 200


def test_revoke__session__is_refused(client_of: Callable[..., Client], ana: Any, alpha: Any) -> None:
    """There is nothing to revoke."""
    assert client_of(ana, alpha).delete(TOKEN).json()["code"] == "token-required"


def test_token__stale_one_sent_along__does_not_matter(ana: Any, alpha: Any) -> None:
    """A program whose token ended gets another one with the old one still in its headers."""
    answer = Client(headers={"host": host_of(alpha), "authorization": "Bearer stale"}).post(
        TOKEN, {"email": ana.email, "password": PASSWORD}, content_type="application/json"
    )
    assert answer.status_code == 201


def test_token__staff_on_the_public_host__provisions(staff: Any) -> None:
    """A token of the public host is good for staff there."""
    secret = ask(None, staff.email).json()["token"]
    assert use(None, secret, "/api/v1/namespaces/").status_code == 200


def test_token__not_staff_on_the_public_host__is_refused(ana: Any) -> None:
    """Nobody else gets one."""
    assert ask(None, ana.email).status_code == 401


def test_token__no_longer_staff__is_refused(staff: Any) -> None:
    """The token ends with the office."""
    secret = ask(None, staff.email).json()["token"]
    staff.is_staff = False
    staff.save()
    assert use(None, secret, "/api/v1/namespaces/").status_code == 401


@pytest.mark.parametrize("body", [{}, {"email": "x"}, {"email": None, "password": []}, [], "x", 7, None])
def test_token__body_malformed__is_refused(alpha: Any, body: Any) -> None:
    """What is no pair of address and password is 400."""
    client = Client(headers={"host": host_of(alpha)})
    assert client.post(TOKEN, body, content_type="application/json").status_code == 400
