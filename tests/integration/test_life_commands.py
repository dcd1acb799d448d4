"""``manage.py namespace``: what is done to a namespace, on the command line."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Domain, Membership, Namespace
from shared_apps.operations.models import AuditEntry
from smartmodels.context import Actor, operation
from smartmodels.tenancy import life
from smartmodels.tenancy.audit import Record, entries
from tests.support import txt
from tests.support.lives import act, audit_of
from tests.support.processes import manage

BIRDS = "birds.example.org"
CHANGES = [
    (["suspend", "alpha"], "suspended"),
    (["resume", "alpha"], "active"),
    (["maintenance", "alpha", "on", "--message", "Back soon", "--minutes", "5"], "maintenance"),
    (["maintenance", "alpha", "off"], "active"),
    (["archive", "alpha", "--reason", "unused"], "archived"),
    (["unarchive", "alpha"], "active"),
    (["delete", "alpha", "--yes"], "deleted"),
    (["undelete", "alpha"], "active"),
    (["rename", "alpha", "gamma"], "active"),
]


def namespace(*words: str) -> Any:
    """What the command prints as JSON."""
    out = StringIO()
    call_command("namespace", *words, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def said(*words: str) -> str:
    """What the command prints for people."""
    out = StringIO()
    call_command("namespace", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_commands__one_after_the_other__do_what_they_say(alpha: Namespace) -> None:
    """Each leaves one entry, with the command as the actor."""
    assert [namespace(*words)["state"] for words, _ in CHANGES] == [state for _, state in CHANGES]
    entries = list(AuditEntry.objects.order_by("id").values_list("actor_label", "outcome"))
    assert entries == [(f"namespace {words[0]}", "done") for words, _ in CHANGES]


@pytest.mark.parametrize("words", [words for words, _ in CHANGES], ids=lambda words: "-".join(words[:3:2]))
def test_command__dry__changes_nothing(alpha: Namespace, words: list[str]) -> None:
    """Neither the namespace nor the audit; the answer is what would be."""
    before = {"resume": life.suspend, "unarchive": life.archive, "undelete": life.delete}.get(words[0])
    if before is not None:
        act(before, alpha)
    rows, entries = Namespace.objects.filter(pk=alpha.pk).values(), audit_of("alpha")
    kept = rows.get()
    assert namespace(*words, "--dry-run")["dry_run"] is True
    assert (rows.get(), audit_of("alpha")) == (kept, entries)


def test_command__dry__refuses_what_would_be_refused(alpha: Namespace) -> None:
    """A dry run that passes means that the real one would."""
    with pytest.raises(CommandError, match=r"\[slug-invalid\]"):
        namespace("rename", "alpha", "www", "--dry-run")


@pytest.mark.parametrize("words", [words for words, _ in CHANGES[::2]], ids=lambda words: words[0])
def test_command__repeated__is_no_error(alpha: Namespace, words: list[str]) -> None:
    """The second time it changes nothing."""
    namespace(*words)
    namespace(*words)
    assert AuditEntry.objects.order_by("-id")[0].outcome in ("unchanged", "done")


def test_reason__of_a_command__is_on_record(alpha: Namespace) -> None:
    """Why, in the operator's words."""
    said("archive", "alpha", "--reason", "unused")
    assert AuditEntry.objects.get().reason == "unused"


def test_purge__dry__says_what_would_go(alpha: Namespace) -> None:
    """And leaves it."""
    act(life.delete, alpha)
    assert namespace("purge", "alpha", "--now", "--dry-run")["schema"] == alpha.schema_name
    assert Namespace.objects.get(pk=alpha.pk).state == "deleted"


def test_purge__within_the_grace__is_refused(alpha: Namespace) -> None:
    """With exit code 1 and the way out."""
    act(life.delete, alpha)
    with pytest.raises(CommandError, match=r"--now.*\[namespace-state-refused\]"):
        namespace("purge", "alpha", "--yes")


# domain


def test_domain__from_claim_to_removal__is_served_meanwhile(alpha: Namespace, settings: Any) -> None:
    """As the how-to tells it."""
    settings.SMARTMODELS_TXT_RESOLVER = "tests.support.txt.records_of"
    claimed = namespace("domain", "add", "alpha", BIRDS)
    txt.RECORDS[claimed["txt_name"]] = [claimed["txt_text"]]
    told = [namespace("domain", verb, "alpha", host)["state"] for verb, host in
            (("verify", BIRDS), ("primary", BIRDS), ("primary", "alpha.localhost"))]  # fmt: skip
    assert told == ["served"] * 3
    assert namespace("domain", "remove", "alpha", BIRDS)["removed"]
    assert [row["host"] for row in namespace("domain", "list", "alpha")] == ["alpha.localhost"]


def test_domain__claimed__says_which_record_to_add(alpha: Namespace) -> None:
    """Name and text of it."""
    text = said("domain", "add", "alpha", BIRDS)
    assert f'_smartmodels.{BIRDS}  "smartmodels={Domain.objects.get(domain=BIRDS).proof}"' in text


def test_domain__dry__claims_nothing(alpha: Namespace) -> None:
    """But refuses what would be refused."""
    assert namespace("domain", "add", "alpha", BIRDS, "--dry-run")["state"] == "pending"
    assert not Domain.objects.filter(domain=BIRDS).exists()
    with pytest.raises(CommandError, match=r"\[host-invalid\]"):
        namespace("domain", "add", "alpha", "*.example.org", "--dry-run")


def test_domain__dry__shows_no_proof(alpha: Namespace) -> None:
    """The next claim makes up another one, so nobody is to publish this."""
    assert "smartmodels=" not in said("domain", "add", "alpha", BIRDS, "--dry-run")
    assert namespace("domain", "add", "alpha", BIRDS, "--dry-run")["txt_text"] is None


# Words


def test_resume__dry__is_said_as_what_would_be(alpha: Namespace) -> None:
    """It is suspended still."""
    act(life.suspend, alpha)
    assert said("resume", "alpha", "--dry-run").startswith("Would do: alpha is active")


def test_rename__of_no_namespace__names_the_one_that_is_missing(alpha: Namespace) -> None:
    """Not the slug that it was to get."""
    with pytest.raises(CommandError, match="No namespace 'nope'"):
        said("rename", "nope", "gamma")


def test_audit__of_an_unknown_slug__names_it(alpha: Namespace) -> None:
    """Somebody may have mistyped it."""
    assert said("audit", "nope") == "Nothing was done to a namespace 'nope'.\n"


def test_spares__negative_number__is_wrong_usage() -> None:
    """It would otherwise mean the number of the settings."""
    with pytest.raises(CommandError, match="'-1' is no number from 0 on"):
        said("spares", "--fill=-1")


# member


def test_member__from_joining_to_leaving__is_listed_meanwhile(alpha: Namespace) -> None:
    """As the how-to tells it."""
    made = namespace("member", "add", "alpha", "New@Example.org", "--role", "viewer")
    assert User.objects.get(email="new@example.org").check_password(made["initial_password"])
    assert namespace("member", "role", "alpha", "new@example.org", "--role", "admin")["role"] == "admin"
    assert ("new@example.org", "admin") in [
        (row["email"], row["role"]) for row in namespace("member", "list", "alpha")
    ]
    assert namespace("member", "remove", "alpha", "new@example.org")["removed"]
    assert not Membership.objects.filter(user__email="new@example.org").exists()


def test_member__dry__makes_no_account(alpha: Namespace) -> None:
    """Nor tells a password that is none."""
    told = namespace("member", "add", "alpha", "new@example.org", "--dry-run")
    assert ("initial_password" in told, User.objects.filter(email="new@example.org").exists()) == (
        False,
        False,
    )


@pytest.mark.parametrize("email", ["nobody@example.org", "bea@example.org", "nul\x00", "x"])
def test_member__unknown__is_refused(alpha: Namespace, email: str) -> None:
    """Whether or not there is such an account."""
    with pytest.raises(CommandError, match=r"\[member-not-found\]"):
        namespace("member", "remove", "alpha", email)


# audit


def test_audit__of_a_slug__names_who_did_what(alpha: Namespace, beta: Namespace) -> None:
    """Newest first, and nothing of others."""
    for slug in ("alpha", "beta"):
        said("suspend", slug)
    said("archive", "alpha")
    rows = namespace("audit", "alpha")
    assert [(row["action"], row["actor"]) for row in rows] == [
        ("archive", "namespace archive"),
        ("suspend", "namespace suspend"),
    ]


def test_audit__of_anything__costs_two_queries(
    alpha: Namespace, staff: User, django_assert_max_num_queries: Any
) -> None:
    """Entries, and the accounts in them."""
    for service in (life.suspend, life.resume, life.suspend):
        act(service, alpha)
    with django_assert_max_num_queries(2):
        said("audit")


# As a program


def test_program__done__exits_0(committing: Any, alpha: Namespace) -> None:
    """And says what was done."""
    done = manage("namespace", "suspend", "alpha")
    assert (done.returncode, done.stdout.startswith("alpha is suspended")) == (0, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("suspend", "nobody"), 1),
        (("domain", "add", "alpha"), 2),
        (("member", "remove", "alpha"), 2),
        (("member", "role", "alpha", "ben@example.org"), 2),
    ],
)
def test_command__refused__ends_with_its_exit_code(
    alpha: Namespace, words: tuple[str, ...], code: int
) -> None:
    """1 refused, 2 wrong usage."""
    with pytest.raises(CommandError) as caught:
        call_command("namespace", *words)
    assert caught.value.returncode == code


def test_program__asking_before_a_purge__stops_at_anything_else(
    alpha: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was begun."""
    act(life.delete, alpha)
    monkeypatch.setattr("sys.stdin", StringIO("beta\n"))
    with pytest.raises(CommandError, match=r"\[not-confirmed\]"):
        said("purge", "alpha", "--now")
    assert Namespace.objects.get(pk=alpha.pk).state == "deleted"


def test_audit__of_a_slug_that_cannot_be_one__is_empty(db: Any) -> None:
    """Bytes that are no text, as a terminal may hand them on, find nothing."""
    assert not entries(slug="\udcff\x00").exists()


def test_audit__of_long_entries__fits_a_terminal(alpha: Namespace) -> None:
    """No line is wider than 80 columns, and nothing is cut off."""
    with operation(actor=Actor.command("person" * 40), reason="because"):
        Record("suspend", alpha, None, {"why": "long words " * 30}).write()
    printed = said("audit", "alpha")
    assert max(map(len, printed.splitlines())) <= 80
    assert " ".join(printed.split()).count("long words") == 30
