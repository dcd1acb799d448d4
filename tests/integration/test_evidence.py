"""Whoever edits history behind the triggers' back is found out; who shortens it by the rules is not."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from smartmodels.exceptions import HistoryAppendOnly, InvalidInput
from smartmodels.history import history_model
from smartmodels.history.evidence import Finding, Verification, anchor, erase_versions, prune, verify
from smartmodels.history.evidence.segments import verify_segments
from smartmodels.history.evidence.snapshots import moment
from tenant_apps.ledger.models import Erasure, Layout
from tests.zoo.models import Animal, Enclosure, Feed, Tag

pytestmark = pytest.mark.usefixtures("in_alpha")


def run(sql: str, *values: Any) -> None:
    """Run a statement in the bound namespace."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values) or None)


@contextmanager
def unguarded(*tables: str) -> Iterator[None]:
    """Let the owner of the tables do as somebody who wants to deceive would."""
    run("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    run("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        run(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def behind(table: str, sql: str, *values: Any) -> None:
    """Run a statement that the table's triggers do not see."""
    with unguarded(table):
        run(sql, *values)


def found() -> list[tuple[str, str, int | None]]:
    """What a verification finds, in short."""
    return [(each.code, each.table, each.version) for each in verify().findings]


def feeds(count: int = 5) -> list[Feed]:
    """Feeds that were made by one statement."""
    return Feed.objects.bulk_create([Feed(name=f"feed {n}") for n in range(count)])


def numbers(model: Any, **wanted: Any) -> list[int]:
    """The numbers of the versions of a model, in order."""
    rows = history_model(model).objects.filter(**wanted).order_by("history_id")
    return list(rows.values_list("history_id", flat=True))


def animal(**values: Any) -> Animal:
    """An animal in an enclosure of its own, with two tags."""
    made = Animal.objects.create(name="Rex", enclosure=Enclosure.objects.create(name="E"), **values)
    made.tags.set([Tag.objects.create(label="old"), Tag.objects.create(label="shy")])
    return made


# What is intact


def test_verify__every_kind_of_write__finds_nothing() -> None:
    """What was written by the rules verifies."""
    rex = animal(weight="1.50", payload={"a": [1, None]}, ratio=0.1, seen_at=timezone.now())
    feeds()
    Feed.objects.update(name="hay")
    rex.tags.clear()
    rex.delete()
    rex.undelete()
    rex.purge()
    assert found() == []


def test_verify__counts__what_it_looked_at() -> None:
    """A result that looked at nothing would be no evidence."""
    feeds(5)
    Feed.objects.update(name="hay")
    result = verify()
    assert (result.segments, result.versions) == (2, 10)


# What was tampered with


def test_verify__edited_version_written_alone__is_named() -> None:
    """One changed value gives the version away."""
    feed = Feed.objects.create(name="hay")
    behind("zoo_historicalfeed", "UPDATE zoo_historicalfeed SET actor_label = 'nobody'")
    (finding,) = verify().findings
    (number,) = numbers(Feed)
    what = f"Version {number} is not what was written."
    assert finding == Finding("edited", "zoo_historicalfeed", what, number, str(feed.pk))


def test_verify__edited_version_among_many__is_named() -> None:
    """A statement wrote many versions; exactly the edited one is found."""
    feeds(50)
    Feed.objects.update(name="hay")
    victim = numbers(Feed)[17]
    behind("zoo_historicalfeed", "UPDATE zoo_historicalfeed SET name = 'x' WHERE history_id = %s", victim)
    assert found() == [("edited", "zoo_historicalfeed", victim)]


def test_verify__removed_version_among_many__is_found_between_its_neighbours() -> None:
    """Where a version was is known by those written with it."""
    feeds(5)
    Feed.objects.update(name="hay")
    first = numbers(Feed)
    behind("zoo_historicalfeed", "DELETE FROM zoo_historicalfeed WHERE history_id = %s", first[2])
    (finding,) = verify().findings
    assert finding.what.endswith(f"are gone: after version {first[1]} and before version {first[3]}.")


def test_verify__removed_single_version__is_found() -> None:
    """A segment without its version says that there was one."""
    feed = Feed.objects.create(name="hay")
    feed.name = "straw"
    feed.save()
    victim = numbers(Feed)[0]
    behind("zoo_historicalfeed", "DELETE FROM zoo_historicalfeed WHERE history_id = %s", victim)
    assert [code for code, _, _ in found()] == ["removed"]


@pytest.mark.parametrize("segment", ["NULL", "gen_random_uuid()", "segment_id"])
def test_verify__version_written_by_hand__is_named(segment: str) -> None:
    """Neither a version without a segment nor one that borrows a segment passes."""
    Feed.objects.create(name="hay")
    columns = "id, name, owner_id, created_at, created_by_id, updated_at, updated_by_id, action, history_type"
    run(
        f"INSERT INTO zoo_historicalfeed ({columns}, history_date, segment_id) "  # noqa: S608
        f"SELECT {columns}, history_date, {segment} FROM zoo_historicalfeed"
    )
    assert found() == [("inserted", "zoo_historicalfeed", numbers(Feed)[-1])]


def test_verify__edited_link_of_a_version__is_named() -> None:
    """The links that a version had are covered as its columns are."""
    rex = animal()
    other = Tag.objects.create(label="other")
    behind(
        "zoo_historicalanimal_tags",
        "UPDATE zoo_historicalanimal_tags SET tag_id = %s WHERE m2m_history_id = "
        "(SELECT min(m2m_history_id) FROM zoo_historicalanimal_tags)",
        other.pk,
    )
    assert ("edited", "zoo_historicalanimal_tags") in {(code, table) for code, table, _ in found()}
    assert rex.tags.count() == 2


def test_verify__row_changed_without_a_version__is_named() -> None:
    """H1: a live row that differs from its newest version."""
    feed = Feed.objects.create(name="hay")
    behind("zoo_feed", "UPDATE zoo_feed SET name = 'straw'")
    (finding,) = verify().findings
    assert (finding.code, finding.row) == ("live", str(feed.pk))


def test_verify__row_removed_without_a_version__is_named() -> None:
    """H1: a newest version that lives without a live row."""
    Feed.objects.create(name="hay")
    behind("zoo_feed", "DELETE FROM zoo_feed")
    assert found() == [("live", "zoo_feed", numbers(Feed)[0])]


def test_verify__soft_deleted_row_removed_without_a_version__is_not_taken_for_purged() -> None:
    """A row that is deleted still stands there; only a purge removes it."""
    Feed.objects.create(name="hay").delete()
    behind("zoo_feed", "UPDATE zoo_feed SET deleted_at = NULL")
    assert [code for code, _, _ in found()] == ["live"]


def test_verify__row_without_any_version__is_named() -> None:
    """H1: a live row that history knows nothing of."""
    Feed.objects.create(name="hay")
    with unguarded("zoo_feed"):
        run(
            "INSERT INTO zoo_feed (id, name, owner_id, created_at, created_by_id, updated_at, updated_by_id) "
            "SELECT gen_random_uuid(), name, owner_id, created_at, created_by_id, updated_at, updated_by_id "
            "FROM zoo_feed"
        )
    assert found() == [("live", "zoo_feed", None)]


def test_verify__link_removed_without_a_version__is_named() -> None:
    """H1 for tracked links: the newest version has those of the row."""
    rex = animal()
    behind("zoo_animal_tags", "DELETE FROM zoo_animal_tags")
    (finding,) = verify().findings
    assert (finding.code, finding.table, finding.row) == ("live", "zoo_animal_tags", str(rex.pk))


# The ledger itself


@pytest.mark.parametrize("table", ["ledger_segment", "ledger_layout", "ledger_erasure"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}"])
def test_ledger__removal__is_refused(table: str, statement: str) -> None:
    """What vouches for history is append-only as history is."""
    with pytest.raises(HistoryAppendOnly):
        run(statement.format(table))


@pytest.mark.parametrize(
    "change", ["rows = 0", "position = 7", "chain = 'x'", "digest = 'x', chain = 'x', position = 1"]
)
def test_ledger__edited_segment__is_refused(change: str) -> None:
    """A segment takes its place in the chain, both values together, and nothing else."""
    Feed.objects.create(name="hay")
    with pytest.raises(HistoryAppendOnly):
        run(f"UPDATE ledger_segment SET {change}")  # noqa: S608


def test_ledger__linked_segment__cannot_be_linked_again() -> None:
    """A place in the chain is taken once."""
    Feed.objects.create(name="hay")
    anchor()
    with pytest.raises(HistoryAppendOnly):
        run("UPDATE ledger_segment SET position = position + 1")


def test_verify__edited_linked_segment__breaks_the_chain() -> None:
    """What a segment says besides its digest is linked, too."""
    feeds(2)
    Feed.objects.update(name="hay")
    anchor()
    behind("ledger_segment", "UPDATE ledger_segment SET operation_id = NULL WHERE position = 2")
    assert found() == [("chain", "zoo_historicalfeed", None)]


def test_verify__removed_segment_with_its_versions__breaks_the_chain() -> None:
    """Who removes both versions and segment leaves a gap."""
    feeds(2)
    Feed.objects.update(name="hay")
    Feed.objects.update(name="straw")
    anchor()
    with unguarded("ledger_segment", "zoo_historicalfeed"):
        run(
            "DELETE FROM zoo_historicalfeed "
            "WHERE segment_id = (SELECT id FROM ledger_segment WHERE position = 2)"
        )
        run("DELETE FROM ledger_segment WHERE position = 2")
    (finding,) = verify().findings
    assert finding.what == "The segments from position 2 to 2 are gone."


def test_verify__history_replaced_as_a_whole__contradicts_the_anchor() -> None:
    """A chain that was computed anew is consistent, but not the one that was noted elsewhere."""
    Feed.objects.create(name="hay")
    anchor()
    with unguarded("ledger_segment"):
        run("UPDATE ledger_segment SET operation_id = NULL, position = NULL, chain = NULL")
    run("SELECT * FROM public.smartmodels_link(current_schema(), 10)")
    assert [code for code, _, _ in found()] == ["anchor"]


def test_verify__exported_anchor__holds_when_the_database_has_none() -> None:
    """Evidence outside of the database needs nothing in it."""
    Feed.objects.create(name="hay")
    _, end = anchor()
    assert end is not None
    with unguarded("public.operations_anchor"):
        run("DELETE FROM public.operations_anchor")
    with unguarded("ledger_segment"):
        run("UPDATE ledger_segment SET operation_id = NULL, position = NULL, chain = NULL")
    run("SELECT * FROM public.smartmodels_link(current_schema(), 10)")
    assert [each.code for each in verify(anchors=[end]).findings] == ["anchor"]


def test_anchor__segments_written_later__continue_the_chain() -> None:
    """Linking twice makes one chain."""
    Feed.objects.create(name="hay")
    first = anchor()
    Feed.objects.create(name="straw")
    second = anchor()
    assert (first[0], second[0], second[1] and second[1][0], found()) == (1, 1, 2, [])


# Erasing and pruning


def test_erase_versions__personal_value__is_gone_and_the_rest_verifies() -> None:
    """What must be forgotten is; the evidence stays."""
    feed = Feed.objects.create(name="Ana's hay")
    feed.name = "hay"
    feed.save()
    past = history_model(Feed).objects.filter(name="Ana's hay")
    assert erase_versions(past, name="", actor_label="somebody") == 1
    assert (history_model(Feed).objects.filter(name="Ana's hay").count(), found()) == (0, [])


def test_erase_versions__twice_then_pruned__still_verifies() -> None:
    """Erasures follow one another."""
    feed = Feed.objects.create(name="a")
    Feed.objects.update(name="b")
    versions = history_model(Feed).objects
    erase_versions(versions.filter(name="a"), name="x")
    erase_versions(versions.filter(name="x"), name="y")
    prune(before=timezone.now())
    assert (versions.count(), Erasure.objects.count(), found(), feed.pk is None) == (1, 3, [], False)


def test_verify__version_edited_after_its_erasure__is_named() -> None:
    """An erasure is no licence to edit later."""
    Feed.objects.create(name="a")
    Feed.objects.update(name="b")
    erase_versions(history_model(Feed).objects.filter(name="a"), name="x")
    behind("zoo_historicalfeed", "UPDATE zoo_historicalfeed SET name = 'z' WHERE name = 'x'")
    assert found() == [("edited", "zoo_historicalfeed", numbers(Feed)[0])]


def test_verify__edited_record_of_an_erasure__is_found() -> None:
    """What was erased is itself vouched for."""
    Feed.objects.create(name="a")
    Feed.objects.update(name="b")
    erase_versions(history_model(Feed).objects.filter(name="a"), name="x")
    behind("ledger_erasure", "UPDATE ledger_erasure SET digest_after = 'x'")
    assert "erasure" in {code for code, _, _ in found()}


def test_erase_versions__segment_of_a_version__is_refused() -> None:
    """What ties a version to its evidence cannot be erased."""
    with pytest.raises(InvalidInput):
        erase_versions(history_model(Feed).objects.all(), segment_id=None)


def test_erase_versions__afterwards__history_is_append_only_again() -> None:
    """The permission ends with the call, not with the transaction."""
    Feed.objects.create(name="a")
    erase_versions(history_model(Feed).objects.none(), name="x")
    erase_versions(history_model(Feed).objects.all(), name="a")
    with pytest.raises(HistoryAppendOnly):
        history_model(Feed).objects.update(name="x")


def aged(model: Any, days: int) -> None:
    """Let all versions so far be older, and vouched for as such."""
    erase_versions(history_model(model).objects.all(), history_date=F("history_date") - timedelta(days=days))


def test_prune__old_versions__leaves_those_in_force_since() -> None:
    """The version that was in force at the cut-off stays, with all after it; so does what verifies."""
    feed = Feed.objects.create(name="a")
    Feed.objects.update(name="b")
    Feed.objects.update(name="c")
    aged(Feed, 400)
    cut = timezone.now() - timedelta(days=365)
    then = [row.name for row in Feed.history.as_of(cut)]  # type: ignore[attr-defined]
    Feed.objects.update(name="d")
    (pruned,) = [each for each in prune(before=cut) if each.versions]
    left = list(feed.history.order_by("history_id").values_list("name", flat=True))
    now = [row.name for row in Feed.history.as_of(cut)]  # type: ignore[attr-defined]
    assert (pruned.versions, left, then == now, found()) == (2, ["c", "d"], True, [])


def test_prune__links_of_versions__go_with_them() -> None:
    """A version that is gone has no links left behind."""
    animal()
    Animal.objects.update(name="Max")
    prune(before=timezone.now())
    (kept,) = numbers(Animal)
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT history_id FROM zoo_historicalanimal_tags")
        assert (cursor.fetchall(), found()) == ([(kept,)], [])


@pytest.mark.parametrize(("keep_last", "left"), [(None, 0), (1, 1), (2, 2), (9, 3)])
def test_prune__row_purged_before__is_forgotten_unless_some_are_kept(
    keep_last: int | None, left: int
) -> None:
    """A row that is gone for good needs no version."""
    feed = Feed.objects.create(name="a")
    Feed.objects.update(name="b")
    feed.purge()
    prune(before=timezone.now(), keep_last=keep_last)
    assert (history_model(Feed).objects.count(), found()) == (left, [])


def test_prune__soft_deleted_row__keeps_its_newest_version() -> None:
    """A deleted row can be restored, so its history goes on."""
    Feed.objects.create(name="a").delete()
    prune(before=timezone.now())
    assert (history_model(Feed).objects.count(), found()) == (1, [])


def test_prune__dry_run__says_the_same_and_does_nothing() -> None:
    """A rehearsal counts what the performance removes."""
    animal()
    Animal.objects.update(name="Max")
    said = prune(before=timezone.now(), dry_run=True)
    before = numbers(Animal)
    assert (prune(before=timezone.now()), len(before) > 1) == (said, True)


def test_prune__keeping_none__is_refused() -> None:
    """The newest version of a living row is never removed."""
    with pytest.raises(InvalidInput):
        prune(before=timezone.now(), keep_last=0)


# Migrations


def segments_of(result_of: str) -> Any:
    """The part of a verification that compares versions with segments.

    The models of these tests do not follow their tables, so living rows cannot be compared.
    """
    result = Verification(result_of)
    with moment():
        verify_segments(result, datetime(1, 1, 1, tzinfo=UTC))
    return result


def test_verify__column_dropped_since__is_no_tampering() -> None:
    """What cannot be computed any more is said to be so."""
    feeds(2)
    run("ALTER TABLE zoo_historicalfeed DROP COLUMN name")
    result = segments_of("alpha")
    assert (result.unverifiable, result.findings) == ({"zoo_historicalfeed": 1}, [])


def test_verify__version_removed_after_a_column_was_dropped__is_found() -> None:
    """How many there were is still known."""
    feeds(2)
    run("ALTER TABLE zoo_historicalfeed DROP COLUMN name")
    behind(
        "zoo_historicalfeed", "DELETE FROM zoo_historicalfeed WHERE history_id = %s", numbers_of_feeds()[0]
    )
    assert len(segments_of("alpha").findings) == 1


def numbers_of_feeds() -> list[int]:
    """The numbers of the versions of feeds, whatever columns they have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT history_id FROM zoo_historicalfeed ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def test_verify__type_changed_since__computes_with_the_old_one() -> None:
    """Values that a migration kept exactly can be written as they were."""
    animal(weight="1.5")
    run("ALTER TABLE zoo_historicalanimal ALTER COLUMN weight TYPE numeric(20, 9)")
    assert segments_of("alpha").findings == []


_SET_TYPE = (
    "UPDATE ledger_layout SET types = jsonb_set(types, '{zoo_historicalfeed,name}', to_jsonb(%s::text))"
)


@pytest.mark.parametrize("then", ["character varying(5)", "character(5)", "boolean", "no such type"])
def test_verify__edited_version_with_an_old_type_that_hides_it__is_named(then: str) -> None:
    """Nobody vouches for the types of a layout: one that cuts off what was added changes nothing."""
    Feed.objects.create(name="Alice")
    Feed.objects.update(name="Bob")
    edit = "UPDATE zoo_historicalfeed SET name = 'AliceEVIL' WHERE history_id = %s"
    behind("zoo_historicalfeed", edit, numbers(Feed)[0])
    behind("ledger_layout", _SET_TYPE, then)
    assert found() == [("edited", "zoo_historicalfeed", numbers(Feed)[0])]


@pytest.mark.parametrize("then", ["integer", "character varying(2)", "no such type"])
def test_verify__old_type_that_values_are_not_of__is_no_finding(then: str) -> None:
    """Values written after a migration need not be of the type before it."""
    Feed.objects.create(name="hay")
    behind("ledger_layout", _SET_TYPE, then)
    assert found() == []


@pytest.mark.parametrize("weight", [None, "7.0"])
@pytest.mark.parametrize("kind", ["numeric(20, 9)", "text"])
def test_verify__type_changed_since__takes_every_value_and_none(weight: str | None, kind: str) -> None:
    """A value that is kept is written as it was; no value as no value."""
    animal(weight=weight)
    run(f"ALTER TABLE zoo_historicalanimal ALTER COLUMN weight TYPE {kind}")
    assert segments_of("alpha").findings == []


def test_prune__column_dropped_since__removes_versions() -> None:
    """Versions that can no longer be verified can still be pruned."""
    feeds(2)
    with unguarded("zoo_feed"):
        run("DELETE FROM zoo_feed")
    run("ALTER TABLE zoo_historicalfeed DROP COLUMN name")
    run("SET LOCAL smartmodels.erasure = 'prune'")
    run("DELETE FROM zoo_historicalfeed")
    assert (Erasure.objects.count(), segments_of("alpha").findings) == (2, [])


def test_layout__first_write__finds_it_there() -> None:
    """Migrations record what digests cover, so that nobody waits for the first writer."""
    assert Layout.objects.filter(types__has_key="zoo_historicalfeed").exists()


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM ledger_layout", "UPDATE ledger_layout SET tables = jsonb_set(tables, '{x}', '[]')"],
)
def test_verify__layout_that_is_not_the_one_written__is_found(change: str) -> None:
    """Who makes versions look unverifiable hides nothing."""
    feeds(2)
    behind("ledger_layout", change)
    assert found()[0][:2] == ("segment", "zoo_historicalfeed")


def test_layouts__recorded_late__are_those_of_the_triggers() -> None:
    """Where the ledger's tables come last, they take what the triggers say."""
    wanted = set(Layout.objects.values_list("pk", flat=True))
    behind("ledger_layout", "DELETE FROM ledger_layout")
    run("SELECT public.smartmodels_record_layouts(current_schema())")
    assert (set(Layout.objects.values_list("pk", flat=True)), bool(wanted)) == (wanted, True)
