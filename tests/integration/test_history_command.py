"""``manage.py history``: what happened, and the way back, at the keyboard."""

import json
import uuid
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import timeline
from tests.zoo.models import Animal, Enclosure, Tag


def history(*arguments: Any, **options: Any) -> str:
    """Run the command in alpha and return what it prints."""
    out = StringIO()
    call_command(
        "history", *map(str, arguments), "--namespace", "alpha", stdout=out, stderr=StringIO(), **options
    )
    return out.getvalue()


def as_data(*arguments: Any) -> Any:
    return json.loads(history(*arguments, "--json"))


@pytest.fixture
def bad_import(alpha: Any, ana: Any) -> uuid.UUID:
    """An operation of ana's that renamed a tag and made another one."""
    with namespace_scope(alpha):
        with operation(actor=Actor.command("seed"), nested=False):
            Tag.objects.create(label="right")
        with operation(actor=Actor.user(ana), nested=False, reason="import") as opened:
            Tag.objects.update(label="wrong")
            Tag.objects.create(label="new")
    return opened.id


def labels(alpha: Any) -> set[str]:
    with namespace_scope(alpha):
        return set(Tag.objects.values_list("label", flat=True))


def tag_key(alpha: Any, label: str) -> uuid.UUID:
    with namespace_scope(alpha):
        found: uuid.UUID = Tag.objects.get(label=label).pk
        return found


def test_show__row__lists_versions_with_what_changed(alpha: Any, bad_import: uuid.UUID) -> None:
    """Newest first, with who and what."""
    lines = history("show", "zoo.tag", tag_key(alpha, "wrong")).splitlines()
    assert lines[1].split()[3:] == ["update", "ana@example.org", "label", "import"]


def test_show__json__has_old_and_new_values(alpha: Any, bad_import: uuid.UUID) -> None:
    """Programs get the values."""
    newest = as_data("show", "zoo.tag", tag_key(alpha, "wrong"))[0]
    assert newest["changes"] == [{"field": "label", "old": "right", "new": "wrong"}]


def test_diff__two_versions__is_readable(alpha: Any, bad_import: uuid.UUID) -> None:
    """Old value, arrow, new value."""
    key = tag_key(alpha, "wrong")
    with namespace_scope(alpha):
        new, old = timeline(Tag, key).values_list("history_id", flat=True)
    assert history("diff", "zoo.tag", key, old, new) == "  label: right -> wrong\n"


def test_operations__of_a_user__are_only_theirs(bad_import: uuid.UUID) -> None:
    """Filtered by account."""
    found = as_data("operations", "--user", "ana@example.org")
    assert [(each["id"], each["rows"]) for each in found] == [(str(bad_import), {"zoo.tag": 2})]


def test_operations__since_the_future__are_none(bad_import: uuid.UUID) -> None:
    """Filtered by time."""
    assert "no such operations" in history("operations", "--since", "2999-01-01")


def test_operation__id__shows_every_row(bad_import: uuid.UUID) -> None:
    """What was made and what was changed."""
    kinds = sorted((each["kind"], each["label"]) for each in as_data("operation", bad_import))
    assert kinds == [("created", "new"), ("updated", "wrong")]


def test_revert__operation__undoes_it(alpha: Any, bad_import: uuid.UUID) -> None:
    """The state before is back."""
    history("revert", "--operation", bad_import, "--yes")
    assert labels(alpha) == {"right"}


def test_revert__operation_of_a_revert__undoes_that(alpha: Any, bad_import: uuid.UUID) -> None:
    """What the command did, it names and undoes."""
    undone = as_data("revert", "--operation", bad_import, "--yes")["operation"]
    history("revert", "--operation", undone, "--yes")
    assert labels(alpha) == {"wrong", "new"}


def test_revert__dry_run__shows_the_plan_and_writes_nothing(alpha: Any, bad_import: uuid.UUID) -> None:
    """Old and new values are shown."""
    shown = history("revert", "--operation", bad_import, "--dry-run")
    assert "label: wrong -> right" in shown
    assert labels(alpha) == {"wrong", "new"}


def test_revert__not_confirmed__is_refused(
    alpha: Any, bad_import: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing happens without a yes."""
    monkeypatch.setattr("sys.stdin", StringIO("no\n"))
    with pytest.raises(CommandError, match="not-confirmed"):
        history("revert", "--operation", bad_import)
    assert labels(alpha) == {"wrong", "new"}


def test_revert__version__brings_one_row_back(alpha: Any, bad_import: uuid.UUID) -> None:
    """Only that row."""
    key = tag_key(alpha, "wrong")
    with namespace_scope(alpha):
        first = timeline(Tag, key).last()
    history("revert", "--version", "zoo.tag", key, first.history_id, "--yes")
    assert labels(alpha) == {"right", "new"}


def test_revert__user_since__undoes_what_they_did(alpha: Any, bad_import: uuid.UUID) -> None:
    """Everything of one account in a time."""
    history("revert", "--user", "ana@example.org", "--since", "2000-01-01", "--yes")
    assert labels(alpha) == {"right"}


def test_revert__mark__brings_the_namespace_back(alpha: Any, ana: Any) -> None:
    """Whatever happened since is undone."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana), nested=False):
        Tag.objects.create(label="before")
    history("mark", "before import")
    with namespace_scope(alpha), operation(actor=Actor.user(ana), nested=False):
        Tag.objects.update(label="after")
    history("revert", "--mark", "before import", "--yes")
    assert labels(alpha) == {"before"}


def test_revert__conflict__is_refused_with_its_code(alpha: Any, bad_import: uuid.UUID, ben: Any) -> None:
    """What others changed since is not overwritten unasked."""
    with namespace_scope(alpha), operation(actor=Actor.user(ben), nested=False):
        Tag.objects.filter(label="wrong").update(label="better")
    with pytest.raises(CommandError, match=r"\[revert-conflict\]"):
        history("revert", "--operation", bad_import, "--yes")


def test_revert__merge__leaves_what_others_changed(alpha: Any, bad_import: uuid.UUID, ben: Any) -> None:
    """The rest is undone."""
    with namespace_scope(alpha), operation(actor=Actor.user(ben), nested=False):
        Tag.objects.filter(label="wrong").update(label="better")
    history("revert", "--operation", bad_import, "--yes", "--strategy", "merge")
    assert labels(alpha) == {"better"}


def test_marks__deleted__are_gone(alpha: Any) -> None:
    """A mark can be forgotten."""
    history("mark", "here")
    assert "There are no marks." in history("marks", "--delete", "here")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "zoo.nothing", "1"), "invalid-input"),
        (("show", "zoo.tag", "x"), "invalid-input"),
        (("show", "zoo.tag", str(uuid.uuid4())), "not-found"),
        (("diff", "zoo.tag", str(uuid.uuid4()), "1", "2"), "not-found"),
        (("operation", "x"), "invalid-input"),
        (("operation", str(uuid.uuid4())), "operation-unknown"),
        (("operations", "--since", "yesterday"), "invalid-input"),
        (("operations", "--user", "nobody@example.org"), "invalid-input"),
        (("operations", "--limit", "0"), "invalid-input"),
        (("revert", "--operation", str(uuid.uuid4()), "--yes"), "operation-unknown"),
        (("revert", "--operation", "x", "--yes"), "invalid-input"),
        (("revert", "--user", "ana@example.org", "--yes"), "invalid-input"),
        (("revert", "--mark", "nowhere", "--yes"), "mark-unknown"),
        (("marks", "--delete", "nowhere"), "mark-unknown"),
        (("mark", " "), "invalid-input"),
    ],
)
def test_history__wrong_input__is_refused_with_a_code(alpha: Any, arguments: Any, code: str) -> None:
    """One sentence and a code, no traceback."""
    with pytest.raises(CommandError, match=rf"\[{code}\]"):
        history(*arguments)


def test_history__unknown_namespace__is_refused(alpha: Any) -> None:
    """A slug that nobody has."""
    with pytest.raises(CommandError, match=r"\[namespace-not-found\]"):
        call_command("history", "marks", "--namespace", "nowhere")


def test_show__tracked_links__say_what_was_linked(alpha: Any, ana: Any) -> None:
    """A change of links is a change of the row."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana), nested=False):
        animal = Animal.objects.create(name="a", enclosure=Enclosure.objects.create(name="e"))
        animal.tags.add(Tag.objects.create(label="t"))
    assert as_data("show", "zoo.animal", animal.pk)[0]["changes"][0]["field"] == "tags"
