"""``manage.py history verify|anchor|prune`` and what the worker chains."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from shared_apps.operations.models import Anchor
from shared_apps.operations.tasks import anchor_history
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import history_model
from smartmodels.history.evidence import verify
from tenant_apps.ledger.models import Segment
from tests.zoo.models import Feed


@pytest.fixture
def fed(alpha: Any, ana: Any) -> Any:
    """Alpha, where a feed has two versions."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Feed.objects.create(name="hay")
        Feed.objects.update(name="straw")
    return alpha


def history(*words: str) -> str:
    """What the command prints."""
    out = io.StringIO()
    call_command("history", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def tamper() -> None:
    """Edit the first version of the feed behind the triggers' back."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE zoo_historicalfeed DISABLE TRIGGER USER")
        cursor.execute("UPDATE zoo_historicalfeed SET name = 'oats' WHERE name = 'hay'")
        cursor.execute("ALTER TABLE zoo_historicalfeed ENABLE TRIGGER USER")


def test_verify__intact_namespaces__says_so_for_each(fed: Any) -> None:
    """Without a namespace all are verified."""
    said = json.loads(history("verify", "--json"))
    assert [(each["namespace"], each["intact"]) for each in said["namespaces"]] == [
        ("alpha", True),
        ("beta", True),
    ]


def test_verify__tampered_version__fails_and_names_it(fed: Any) -> None:
    """The exit code is 1; table, version and row are said."""
    with namespace_scope(fed):
        tamper()
        number = history_model(Feed).objects.earliest("history_id").history_id
    out = io.StringIO()
    with pytest.raises(CommandError, match="history-tampered"):
        call_command("history", "verify", "--namespace", "alpha", stdout=out, stderr=io.StringIO())
    assert f"Version {number} is not what was written." in out.getvalue()


def test_anchor__exported_file__holds_against_a_rewritten_chain(fed: Any, tmp_path: Path) -> None:
    """What was kept elsewhere contradicts a chain that was computed anew, even if our own anchors go."""
    kept = tmp_path / "anchors.json"
    history("anchor", "--out", str(kept))
    with namespace_scope(fed), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_segment DISABLE TRIGGER USER")
        cursor.execute("UPDATE ledger_segment SET operation_id = NULL, position = NULL, chain = NULL")
        cursor.execute("ALTER TABLE ledger_segment ENABLE TRIGGER USER")
        cursor.execute("ALTER TABLE public.operations_anchor DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM public.operations_anchor")
    history("anchor")
    assert history("verify", "--namespace", "alpha")
    with pytest.raises(CommandError, match="history-tampered"):
        history("verify", "--anchors", str(kept))


def test_anchor__namespace_that_is_gone__is_missed(fed: Any, tmp_path: Path) -> None:
    """An anchor of a namespace that is not there any more is a finding."""
    kept = tmp_path / "anchors.json"
    history("anchor", "--out", str(kept))
    said = json.loads(kept.read_text())
    said["anchors"][0]["namespace"] = "00000000-0000-4000-8000-000000000000"
    kept.write_text(json.dumps(said))
    with pytest.raises(CommandError, match="Anchored, but not here: alpha"):
        history("verify", "--anchors", str(kept))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"anchors": [{}]}',
        '{"anchors": [{"namespace": "x", "slug": "x", "position": "y", "chain": "zz"}]}',
    ],
)
def test_verify__unusable_anchors__are_refused(fed: Any, tmp_path: Path, text: str) -> None:
    """A file of another kind is named, with what is wrong."""
    (tmp_path / "anchors.json").write_text(text)
    with pytest.raises(CommandError, match="invalid-input"):
        history("verify", "--anchors", str(tmp_path / "anchors.json"))


def test_prune__everything_old__leaves_the_newest(fed: Any) -> None:
    """The command prunes and says what; verification still passes."""
    said = json.loads(history("prune", "--namespace", "alpha", "--older-than", "0d", "--json"))
    assert said["pruned"] == [
        {"namespace": "alpha", "table": "zoo_historicalfeed", "versions": 1, "links": 0}
    ]
    history("verify")


def test_prune__dry_run__changes_nothing(fed: Any) -> None:
    """A rehearsal leaves every version."""
    history("prune", "--older-than", "0d", "--dry-run")
    with namespace_scope(fed):
        assert history_model(Feed).objects.count() == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--older-than", "x"),
        ("--older-than", "-1d"),
        ("--older-than", "9999999999d"),
        ("--older-than", "1d", "--model", "no.such"),
        ("--older-than", "1d", "--keep-last", "0"),
        ("--older-than", "4000000d"),
    ],
)
def test_prune__unusable_words__are_refused(fed: Any, words: tuple[str, ...]) -> None:
    """Nothing is guessed about what may be removed."""
    with pytest.raises(CommandError):
        history("prune", *words)


def test_anchor_history__job__chains_what_was_written(fed: Any) -> None:
    """No segment is without a place, and the end is noted outside of the schema."""
    anchor_history()
    with namespace_scope(fed):
        assert (Segment.objects.filter(position=None).count(), Anchor.objects.get().position) == (0, 2)


def test_verify__ten_thousand_versions__takes_a_bounded_number_of_queries(
    in_alpha: Any, django_assert_max_num_queries: Any
) -> None:
    """The number of queries depends on the number of tables, not of versions."""
    Feed.objects.bulk_create([Feed(name=str(n)) for n in range(1_000)])
    Feed.objects.update(name="x")
    with django_assert_max_num_queries(80):
        assert verify().versions == 2_000
