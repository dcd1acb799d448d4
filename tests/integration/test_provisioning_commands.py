"""`manage.py namespace`: what it prints, what it refuses, and its exit codes."""

import json
import os
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Membership, Namespace
from smartmodels.context import current_operation
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.models import State
from smartmodels.tenancy.schemas import marked_schemas
from tests.support.processes import manage


def namespace(*words: str) -> Any:
    """Run the command with --json in this process; what it printed, parsed."""
    output = StringIO()
    call_command("namespace", *words, "--json", stdout=output, stderr=StringIO())
    return json.loads(output.getvalue())


def said(*words: str) -> str:
    """Run the command as a person does; what it printed."""
    output = StringIO()
    call_command("namespace", *words, stdout=output, stderr=StringIO())
    return output.getvalue()


# create


def test_create__with_a_new_owner__makes_an_account_that_can_log_in(committing: Any) -> None:
    """The initial password is said once, and works."""
    made = namespace("create", "gamma", "--name", "Gamma", "--owner", "Zoe@Example.org")["owner"]
    assert made["created"]
    assert User.objects.get(email="zoe@example.org").check_password(made["initial_password"])


def test_create__with_a_known_owner__keeps_the_account(committing: Any, ana: Any) -> None:
    """Addresses are compared in lower case; no password is said or set."""
    made = namespace("create", "gamma", "--owner", "ANA@example.org")
    assert made["owner"] == {"email": ana.email, "created": False}
    assert User.objects.get(pk=ana.pk).password == ana.password


def test_create__done__is_served_and_owned(committing: Any, ana: Any) -> None:
    """State, host, owner and schema are as asked for."""
    made = namespace("create", "gamma", "--name", "Gamma", "--owner", ana.email)
    assert (made["state"], made["name"], made["hosts"]) == ("active", "Gamma", ["gamma.localhost"])
    assert (made["members"], made["pending_migrations"]) == ([{"email": ana.email, "role": "owner"}], [])


def test_create__for_people__says_its_steps(committing: Any, ana: Any) -> None:
    """Each step when it begins, then where the namespace is served."""
    lines = said("create", "gamma", "--owner", ana.email).splitlines()
    steps = [line.strip() for line in lines if line.startswith("  ")]
    assert [step for step in steps if "." not in step] == ["reserve", *provisioning.STEPS]
    assert lines[-1] == "gamma is active and served on gamma.localhost."


def test_create__dry__makes_nothing(db: None) -> None:
    """Neither namespace nor account, but the plan."""
    plan = namespace("create", "gamma", "--owner", "zoe@example.org", "--dry-run")
    assert (plan["dry_run"], plan["host"], plan["owner"]["created"]) == (True, "gamma.localhost", True)
    assert not Namespace.objects.filter(slug="gamma").exists()
    assert not User.objects.filter(email="zoe@example.org").exists()


def test_create__dry__refuses_what_would_be_refused(alpha: Namespace) -> None:
    """A dry run that passes means that the real one would."""
    with pytest.raises(CommandError, match="slug-taken"):
        namespace("create", "alpha", "--owner", "zoe@example.org", "--dry-run")


@pytest.mark.parametrize(
    "address",
    ["", "zoe", "zoe@", "@example.org", "zoe example.org", "zoe@example.org\x00", "z" * 255 + "@example.org"],
)
def test_create__with_an_owner_that_is_no_address__is_refused(db: None, address: str) -> None:
    """And nothing is made."""
    with pytest.raises(CommandError, match=r"\[invalid-input\]"):
        namespace("create", "gamma", "--owner", address)
    assert not Namespace.objects.filter(slug="gamma").exists()


def test_create__of_a_slug_in_use__makes_no_account(alpha: Namespace) -> None:
    """A refusal leaves nothing behind."""
    with pytest.raises(CommandError, match=r"\[slug-taken\]"):
        namespace("create", "alpha", "--owner", "zoe@example.org")
    assert not User.objects.filter(email="zoe@example.org").exists()


def test_create__for_the_sentinel__is_refused(db: None) -> None:
    """Who owns what others left behind cannot own a namespace."""
    sentinel = User.objects.get(pk=sentinel_id())
    with pytest.raises(CommandError, match="closed"):
        namespace("create", "gamma", "--owner", sentinel.email)


def test_create__for_a_closed_account__is_refused(ana: Any) -> None:
    """Somebody must be able to log in."""
    User.objects.filter(pk=ana.pk).update(is_active=False)
    with pytest.raises(CommandError, match="closed"):
        namespace("create", "gamma", "--owner", ana.email)


def test_create__interrupted__says_how_to_go_on(
    committing: Any, ana: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C leaves a half-made namespace, and the person knows."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(provisioning.STEPS, "host", interrupt)
    with pytest.raises(CommandError, match="namespace resume gamma") as caught:
        namespace("create", "gamma", "--owner", ana.email)
    assert caught.value.returncode == 130


def test_commands__act__as_themselves(committing: Any, ana: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command changes bears its name."""
    seen: list[Any] = []
    monkeypatch.setitem(provisioning.STEPS, "host", lambda *_: seen.append(current_operation()))
    namespace("create", "gamma", "--owner", ana.email)
    assert [(each.actor.kind, each.actor.label) for each in seen] == [("command", "namespace create")]


# list and show


def test_list__for_programs__names_each(alpha: Namespace, beta: Namespace) -> None:
    """In order of their slugs, with state, host and number of members."""
    assert [(row["slug"], row["state"], row["host"], row["members"]) for row in namespace("list")] == [
        ("alpha", "active", "alpha.localhost", 3),
        ("beta", "active", "beta.localhost", 2),
    ]


def test_list__for_people__is_aligned(alpha: Namespace, beta: Namespace) -> None:
    """Columns stand under their headers, without colours in a file."""
    header, *rows = said("list").splitlines()
    column = header.index("STATE")
    assert [row[column:].split()[0] for row in rows] == ["active", "active"]
    assert "\x1b" not in header + "".join(rows)


def test_list__of_namespaces__costs_two_queries(
    alpha: Namespace, beta: Namespace, django_assert_max_num_queries: Any
) -> None:
    """However many there are."""
    with django_assert_max_num_queries(2):
        namespace("list")


def test_list__without_namespaces__says_how_to_make_one(db: None) -> None:
    """An empty table helps nobody."""
    Namespace.objects.all().delete()
    assert "namespace create" in said("list")


def test_show__of_a_namespace__tells_what_is_known(alpha: Namespace) -> None:
    """Schema, hosts, members with roles, pending migrations."""
    known = namespace("show", "alpha")
    assert (known["schema"], known["schema_exists"], known["pending_migrations"]) == (
        alpha.schema_name,
        True,
        [],
    )
    assert {member["role"] for member in known["members"]} == {"owner", "member", "viewer"}


def test_show__of_a_failed_namespace__tells_why(alpha: Namespace) -> None:
    """The reason that provisioning kept."""
    Namespace.objects.filter(pk=alpha.pk).update(state=State.FAILED, error="tables: disk full")
    assert "tables: disk full" in said("show", "alpha")


@pytest.mark.parametrize("action", ["show", "suspend", "resume", "rollback", "delete"])
def test_command__on_a_namespace_nobody_has__is_refused(db: None, action: str) -> None:
    """With a code, and where to look."""
    with pytest.raises(CommandError, match=r"namespace list`. \[namespace-not-found\]"):
        namespace(action, "nobody")


# suspend, resume, rollback, delete


def test_suspend__then_resume__serves_again(alpha: Namespace) -> None:
    """Nothing is lost in between."""
    assert namespace("suspend", "alpha")["state"] == "suspended"
    assert namespace("resume", "alpha")["state"] == "active"


def test_resume__of_a_half_made_namespace__finishes_it(committing: Any, ana: Any) -> None:
    """What `create` left behind when it was cut off."""
    provisioning.reserve("gamma", name="Gamma", owner=ana)
    assert namespace("resume", "gamma")["state"] == "active"


@pytest.mark.parametrize("state", [State.ARCHIVED, State.DELETING])
def test_resume__of_what_cannot_be_resumed__is_refused(alpha: Namespace, state: State) -> None:
    """Resuming is not silently nothing."""
    Namespace.objects.filter(pk=alpha.pk).update(state=state)
    with pytest.raises(CommandError, match=r"\[namespace-state-refused\]"):
        namespace("resume", "alpha")


def test_rollback__of_a_half_made_namespace__leaves_nothing(committing: Any, ana: Any) -> None:
    """Neither row nor membership nor schema."""
    provisioning.reserve("gamma", name="Gamma", owner=ana)
    namespace("rollback", "gamma")
    assert not Namespace.objects.filter(slug="gamma").exists()
    assert not Membership.objects.filter(namespace__slug="gamma").exists()


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_rollback__of_an_active_namespace__is_refused(alpha: Namespace, dry: list[str]) -> None:
    """Dry or not."""
    with pytest.raises(CommandError, match="namespace delete"):
        namespace("rollback", "alpha", *dry)


def test_delete__confirmed__leaves_nothing(committing: Any, alpha: Namespace) -> None:
    """Neither row nor schema, once it is purged."""
    assert namespace("delete", "alpha", "--yes")["state"] == "deleted"
    assert namespace("purge", "alpha", "--now", "--yes")["removed"]
    assert alpha.schema_name not in marked_schemas()
    assert not Namespace.objects.filter(slug="alpha").exists()


def test_delete__dry__says_what_would_go(alpha: Namespace) -> None:
    """Sizes and numbers, and everything stays."""
    plan = namespace("delete", "alpha", "--dry-run")
    assert (plan["schema"], plan["bytes"] > 0, len(plan["members"])) == (alpha.schema_name, True, 3)
    assert alpha.schema_name in marked_schemas()


# As a program


def test_delete__asking__goes_on_when_the_slug_is_typed(committing: Any, alpha: Namespace) -> None:
    """As a person does it."""
    done = manage("namespace", "delete", "alpha", stdin="alpha\n")
    assert (done.returncode, Namespace.objects.get(slug="alpha").state) == (0, "deleted")


@pytest.mark.parametrize("typed", ["beta\n", "\n", ""])
def test_delete__asking__stops_at_anything_else(
    alpha: Namespace, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    """The end of input is no, too."""
    monkeypatch.setattr("sys.stdin", StringIO(typed))
    with pytest.raises(CommandError, match=r"\[not-confirmed\]"):
        namespace("delete", "alpha")
    assert Namespace.objects.get(slug="alpha").state == "active"


def test_program__refused__exits_1_with_message_and_code(committing: Any, alpha: Namespace) -> None:
    """On stderr, in one line, and nothing on stdout."""
    done = manage("namespace", "create", "alpha", "--owner", "zoe@example.org", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr.splitlines()[-1])["error"]["code"] == "slug-taken"


def test_program__used_wrongly__exits_2(committing: Any) -> None:
    """With the usage on stderr."""
    done = manage("namespace", "frob")
    assert (done.returncode, done.stderr.startswith("usage:")) == (2, True)


@pytest.mark.parametrize("words", [[], ["create", "gamma"], ["show"], ["list", "--frob"]])
def test_command__used_wrongly__is_refused(words: list[str]) -> None:
    """Before anything is done."""
    with pytest.raises(CommandError, match=r"required|unrecognized"):
        call_command("namespace", *words)


def test_program__without_a_database__says_so(rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, no traceback."""
    monkeypatch.setenv("DATABASE_URL", "postgresql:///nowhere?host=/nonexistent")
    done = manage("namespace", "list")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "[database-unavailable]" in done.stderr


def test_program__on_an_empty_database__says_what_to_run(
    databases: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables come from `migrate`."""
    with databases.empty() as name:
        monkeypatch.setitem(os.environ, "DATABASE_URL", databases.url_of(name))
        done = manage("namespace", "list")
    assert (done.returncode, "manage.py migrate" in done.stderr) == (1, True)
