"""Closing, restoring and anonymising from the command line and over HTTP."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from shared_apps.accounts.models import Token, User
from shared_apps.namespaces.models import Handover, Membership
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.ownership import hand_over_some, sentinel_id
from tenant_apps.research.models import Study
from tests.support.closing import close, study_of
from tests.support.databases import ROOT
from tests.support.people import PASSWORD
from tests.support.processes import manage
from tests.support.waiting import wait_until

ACCOUNTS = "/api/v1/accounts/"
OWN = "/api/v1/account/"


@pytest.fixture
def api(api_of: Any, staff: Any) -> Any:
    """A superuser on the public host."""
    return api_of(staff, None)


def run(capsys: Any, *words: str) -> tuple[Any, str]:
    """What the command answers as JSON, and what it says on standard error."""
    call_command("account", *words, "--json")
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def is_open(user: Any) -> bool:
    """Whether the account may be used."""
    return bool(User.objects.get(pk=user.pk).is_person)


# Command line


def test_account_close__json__says_all_and_progress_apart(ben: Any, alpha: Any, capsys: Any) -> None:
    """The result is for programs, progress for people."""
    study_of(ben, alpha)
    result, progress = run(capsys, "close", ben.email)
    assert (result["rows"], result["left"], result["dry_run"]) == ({"alpha": 1, "beta": 0}, [], False)
    assert "alpha: 1 rows" in progress


def test_account_close__dry_run__exits_with_0_and_changes_nothing(
    committing: Any, ben: Any, alpha: Any
) -> None:
    """A dry run is no failure, not even when something stands in the way."""
    done = manage("account", "close", "ana@example.org", "--dry-run", "--json")
    assert (done.returncode, json.loads(done.stdout)["sole_owner_of"]) == (0, ["alpha"])


def test_account_close__sole_owner__ends_with_1_and_the_code(committing: Any, ana: Any) -> None:
    """The code stands in brackets, for scripts."""
    done = manage("account", "close", ana.email)
    assert (done.returncode, done.stdout) == (1, "")
    assert "alpha" in done.stderr
    assert "[sole-owner]" in done.stderr


def test_account__close_restore_show__tell_the_state(ben: Any, alpha: Any, capsys: Any) -> None:
    """What is done can be seen."""
    study_of(ben, alpha)
    run(capsys, "close", ben.email)
    shown, _ = run(capsys, "show", ben.email)
    assert (shown["state"], shown["work"][0]["rows_done"], shown["left"]) == ("closed", 1, [])
    assert run(capsys, "restore", ben.email)[0]["rows"]["alpha"] == 1
    assert run(capsys, "show", str(ben.pk))[0]["state"] == "open"


def test_account_anonymise__yes__asks_nothing(ben: Any, capsys: Any) -> None:
    """For scripts that have decided."""
    run(capsys, "close", ben.email)
    assert run(capsys, "anonymise", ben.email, "--yes")[0]["email"].startswith("Deleted user ")


def test_account_anonymise__due__takes_those_whose_time_is_over(ben: Any, vic: Any, capsys: Any) -> None:
    """And says who that would be."""
    for user in (ben, vic):
        close(user)
    User.objects.filter(pk=ben.pk).update(closed_at=timezone.now() - timedelta(days=31))
    planned = run(capsys, "anonymise", "--due", "--dry-run")[0]["accounts"]
    assert [each["email"] for each in planned] == [ben.email]
    assert len(run(capsys, "anonymise", "--due")[0]["accounts"]) == 1


def test_account_anonymise__neither_account_nor_due__is_refused(db: None) -> None:
    """One or the other is needed."""
    with pytest.raises(CommandError, match=r"\[invalid-input\]"):
        call_command("account", "anonymise")


@pytest.mark.parametrize("email", ["nobody@example.org", "\x00", ""])
def test_account_show__unknown__is_one_sentence(db: None, email: str) -> None:
    """Whatever is typed."""
    with pytest.raises(CommandError, match=r"\[not-found\]"):
        call_command("account", "show", email)


def test_account_close__killed_between_batches__loses_nothing(committing: Any, alpha: Any, ben: Any) -> None:
    """Kill -9 in the middle of a hand-over; `account continue` does exactly the rest."""
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        Study.objects.bulk_create(Study(code=str(number)) for number in range(600))
    script = (
        "import django; django.setup()\n"
        "import time\n"
        "from shared_apps.accounts.models import User\n"
        "from shared_apps.namespaces.closing import close_account, work\n"
        "from smartmodels.context import Actor, operation\n"
        "work.BATCH = 100\n"
        "with operation(actor=Actor.command('account close')):\n"
        "    close_account(User.objects.get(email='ben@example.org'), progress=lambda *_: time.sleep(0.3))\n"
    )
    path = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "PYTHONPATH": path}
    )
    wait_until(lambda: Handover.objects.filter(user=ben, rows__gt=0).exists(), "a batch", seconds=60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = Handover.objects.get(user=ben, namespace=alpha)
    done = manage("account", "continue", "--json")
    after = Handover.objects.get(user=ben, namespace=alpha)
    assert 0 < before.rows < 600
    assert (json.loads(done.stdout)["rows"]["alpha"], after.rows) == (600 - before.rows, 600)
    with namespace_scope(alpha):
        operations = set(Study.history.filter(action="handover").values_list("operation_id", flat=True))
        assert (operations, Study.objects.filter(owner_id=sentinel_id()).count()) == (
            {before.operation_id},
            600,
        )


# HTTP, staff


def test_accounts__list_and_detail__show_the_state(api: Any, ben: Any) -> None:
    """Staff sees every account, bounded."""
    listed = api.get(ACCOUNTS, limit=3).json()
    assert len(listed["results"]) == 3
    shown = api.get(f"{ACCOUNTS}{ben.pk}/").json()
    assert (shown["state"], [each["namespace"] for each in shown["memberships"]]) == (
        "open",
        ["alpha", "beta"],
    )


def test_accounts_close__dry_run__changes_nothing(api: Any, ben: Any, alpha: Any) -> None:
    """It says what would happen."""
    study_of(ben, alpha)
    answer = api.post(f"{ACCOUNTS}{ben.pk}/close/", {"dry_run": True})
    assert (answer.status_code, answer.json()["rows"], is_open(ben)) == (200, {"alpha": 1}, True)


def test_accounts_close_and_restore__member__and_back(api: Any, ben: Any, alpha: Any) -> None:
    """Both answer with what they did."""
    study_of(ben, alpha)
    closed = api.post(f"{ACCOUNTS}{ben.pk}/close/", {})
    assert (closed.status_code, closed.json()["rows"]["alpha"], is_open(ben)) == (200, 1, False)
    restored = api.post(f"{ACCOUNTS}{ben.pk}/restore/", {})
    assert (restored.status_code, restored.json()["memberships"], is_open(ben)) == (
        200,
        ["alpha", "beta"],
        True,
    )


def test_accounts_close__sole_owner__answers_409_with_the_list(api: Any, ana: Any, ben: Any) -> None:
    """A program can ask the person who is to take over."""
    refused = api.post(f"{ACCOUNTS}{ana.pk}/close/", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "sole-owner")
    assert refused.json()["details"] == {"namespaces": ["alpha"]}
    assert api.post(f"{ACCOUNTS}{ana.pk}/close/", {"transfer_to": ben.email}).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"transfer_to": "nobody@example.org"}, "/transfer_to"),
        ({"transfer_to": "ana@example.org"}, "/transfer_to"),
        ({"transfer_to": "x"}, "/transfer_to"),
        ({"dry_run": "perhaps"}, "/dry_run"),
        ({"force": True}, "/force"),
    ],
)
def test_accounts_close__bad_input__is_400_and_says_where(
    api: Any, ana: Any, body: Any, pointer: str
) -> None:
    """Nothing is guessed, nothing changes."""
    answer = api.post(f"{ACCOUNTS}{ana.pk}/close/", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"], is_open(ana)) == (400, pointer, True)


def test_accounts_anonymise__confirmed__is_done(api: Any, ben: Any) -> None:
    """The address is repeated, since there is no way back."""
    close(ben)
    refused = api.post(f"{ACCOUNTS}{ben.pk}/anonymise/", {"confirm": "yes"})
    assert (refused.status_code, refused.json()["code"]) == (400, "not-confirmed")
    assert api.post(f"{ACCOUNTS}{ben.pk}/anonymise/", {"confirm": ben.email}).status_code == 200
    assert User.objects.get(pk=ben.pk).anonymised_at


@pytest.mark.parametrize("key", ["00000000-0000-7000-8000-000000000009", "x"])
def test_accounts__unknown_key__is_404(api: Any, key: str) -> None:
    """There is no such account."""
    assert {
        api.get(f"{ACCOUNTS}{key}/").status_code,
        api.post(f"{ACCOUNTS}{key}/close/", {}).status_code,
    } == {404}


def test_accounts__somebody_else__is_refused(api_of: Any, ben: Any) -> None:
    """The list of accounts is for staff."""
    assert api_of(ben, None).get(ACCOUNTS).status_code == 403
    assert api_of(None, None).get(ACCOUNTS).status_code == 401


def test_accounts_close__staff_by_staff__needs_a_superuser(api_of: Any, ana: Any, ben: Any) -> None:
    """Whoever may not give rights to staff does not take them either."""
    User.objects.filter(pk__in=[ana.pk, ben.pk]).update(is_staff=True)
    answer = api_of(User.objects.get(pk=ana.pk), None).post(f"{ACCOUNTS}{ben.pk}/close/", {})
    assert (answer.status_code, answer.json()["code"], is_open(ben)) == (403, "not-permitted", True)


# HTTP, one's own


def test_own_account__read__is_shown(api_of: Any, ben: Any, alpha: Any) -> None:
    """People see how their account stands."""
    assert api_of(ben, alpha).get(OWN).json()["email"] == ben.email


def test_own_account__password__closes_it(api_of: Any, ben: Any, alpha: Any) -> None:
    """From the next request on the token is worth nothing."""
    api = api_of(ben, alpha)
    assert (api.delete(OWN, {"password": PASSWORD}).status_code, is_open(ben)) == (200, False)
    assert api.get(OWN).status_code == 401


def test_own_account__session__ends_with_it(client_of: Any, ben: Any, alpha: Any) -> None:
    """A browser is logged out."""
    client = client_of(ben, alpha)
    answer = client.delete(OWN, json.dumps({"password": PASSWORD}), content_type="application/json")
    assert (answer.status_code, client.get(OWN).status_code) == (200, 401)


def test_own_account__wrong_password__stays_open(api_of: Any, ben: Any, alpha: Any) -> None:
    """Whoever finds an open browser closes nothing."""
    answer = api_of(ben, alpha).delete(OWN, {"password": "guess"})
    assert (answer.status_code, answer.json()["code"], is_open(ben)) == (403, "not-confirmed", True)


def test_own_account__many_guesses__are_slowed_down(api_of: Any, ben: Any, alpha: Any) -> None:
    """As at the log-in."""
    api = api_of(ben, alpha)
    codes = [api.delete(OWN, {"password": str(number)}).status_code for number in range(11)]
    assert codes == [403] * 10 + [429]


@pytest.mark.parametrize(("age", "status"), [(timedelta(minutes=1), 200), (timedelta(minutes=6), 403)])
def test_own_account__no_password__needs_a_fresh_token(
    api_of: Any, ben: Any, alpha: Any, age: timedelta, status: int
) -> None:
    """A token that was got a moment ago took the password, or what stands for it."""
    api = api_of(ben, alpha)
    Token.objects.filter(user=ben).update(created_at=timezone.now() - age)
    assert api.delete(OWN, {}).status_code == status


def test_own_account__sole_owner__answers_409_with_the_list(
    api_of: Any, ana: Any, ben: Any, alpha: Any
) -> None:
    """Owners name who is next."""
    api = api_of(ana, alpha)
    refused = api.delete(OWN, {"password": PASSWORD})
    assert (refused.status_code, refused.json()["details"]) == (409, {"namespaces": ["alpha"]})
    assert api.delete(OWN, {"password": PASSWORD, "transfer_to": ben.email}).status_code == 200
    assert Membership.objects.get(namespace=alpha, user=ben).role == "owner"


def test_own_account__nobody__is_401(api_of: Any, alpha: Any) -> None:
    """Nobody has no account."""
    assert api_of(None, alpha).delete(OWN, {"password": PASSWORD}).status_code == 401


# What it costs


def test_hand_over__nothing_owned__is_one_question(
    ben: Any, alpha: Any, django_assert_num_queries: Any
) -> None:
    """However many models there are: a savepoint, one statement, the savepoint released."""
    with namespace_scope(alpha), operation(), django_assert_num_queries(3):
        assert hand_over_some(ben.pk) is None
