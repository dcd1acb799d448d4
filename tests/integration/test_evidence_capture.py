"""What capture must withstand: writers at the same moment, odd names, values that look alike."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, connections, models, transaction

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import history_model
from smartmodels.history.capture import HistoryCapture
from smartmodels.history.evidence import verify
from tests.support.waiting import wait_until
from tests.zoo.models import Animal, Enclosure, Feed, Tag


def run(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement in the bound namespace; its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values) or None)
        return cursor.fetchall() if cursor.description else []


class Elsewhere(threading.Thread):
    """Something done in another thread, and so on another connection."""

    def __init__(self, namespace: Any, actor: Any, work: Any) -> None:
        super().__init__(daemon=True)
        self.namespace, self.actor, self.work = namespace, actor, work

    def run(self) -> None:
        try:
            with namespace_scope(self.namespace), operation(actor=Actor.user(self.actor)):
                self.work()
        finally:
            connections.close_all()


def waiting() -> bool:
    """Whether some connection waits for this one."""
    return bool(
        run("SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
    )


def test_links__added_by_two_at_the_same_moment__are_all_in_the_newest_version(
    committing: Any, alpha: Any, ana: Any
) -> None:
    """Whoever adds a link second waits for the first, and sees its link."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        rex = Animal.objects.create(name="Rex", enclosure=Enclosure.objects.create(name="E"))
        one, two = Tag.objects.create(label="one"), Tag.objects.create(label="two")
        second = Elsewhere(alpha, ana, lambda: Animal.objects.get(pk=rex.pk).tags.add(two))
        with transaction.atomic():
            rex.tags.add(one)
            second.start()
            wait_until(waiting, "The second writer waits")
        second.join()
        newest = Animal.history.latest()  # type: ignore[attr-defined]
        assert ({link.tag_id for link in newest.tags.all()}, verify().findings) == ({one.pk, two.pk}, [])


def test_link__added_while_the_row_is_saved__keeps_what_was_saved(
    committing: Any, alpha: Any, ana: Any
) -> None:
    """The version of a link has the row as the other writer left it."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        rex = Animal.objects.create(name="Rex", enclosure=Enclosure.objects.create(name="E"))
        tag = Tag.objects.create(label="one")
        second = Elsewhere(alpha, ana, lambda: Animal.objects.get(pk=rex.pk).tags.add(tag))
        with transaction.atomic():
            Animal.objects.update(name="Max")
            second.start()
            wait_until(waiting, "The second writer waits")
        second.join()
        newest = Animal.history.latest()  # type: ignore[attr-defined]
        assert (newest.name, newest.tags.count(), verify().findings) == ("Max", 1, [])


@pytest.mark.usefixtures("in_alpha")
class TestWrites:
    """One statement each."""

    def test_insert__row_that_is_deleted_already__is_minus(self) -> None:
        """A restored dump brings deleted rows; the past does not show them."""
        Feed.objects.create(name="hay")
        run(
            "INSERT INTO zoo_feed (id, name, owner_id, created_at, created_by_id, updated_at, updated_by_id, "
            "deleted_at) SELECT gen_random_uuid(), 'old', owner_id, created_at, created_by_id, updated_at, "
            "updated_by_id, now() FROM zoo_feed"
        )
        assert history_model(Feed).objects.get(name="old").history_type == "-"

    def test_purge__inside_an_operation_with_an_action__is_a_purge(self, ana: Any) -> None:
        """By its action a row is known to be gone rather than marked as deleted."""
        feed = Feed.objects.create(name="hay")
        with operation(actor=Actor.user(ana), action="import"):
            feed.purge()
        assert history_model(Feed).objects.latest("history_id").action == "purge"

    def test_update__json_that_only_looks_alike__is_a_change(self) -> None:
        """1 and true, null and nothing are different values."""
        rex = Animal.objects.create(name="Rex", enclosure=Enclosure.objects.create(name="E"), payload=1)
        run("UPDATE zoo_animal SET payload = 'true'")
        run("UPDATE zoo_animal SET payload = 'null'")
        run("UPDATE zoo_animal SET payload = NULL")
        assert rex.history.count() == 4

    def test_statement__on_no_rows__writes_no_segment(self) -> None:
        """Nothing happened, so nothing is vouched for."""
        Feed.objects.filter(name="nothing").update(name="x")
        assert run("SELECT count(*) FROM ledger_segment") == [(0,)]


# Odd names

ODD = 'Sp al%te "{schema}" $3 \' \u00fcn\u00efcode'


def odd_capture(table: str, history: str) -> HistoryCapture:
    """Capture for a table whose names have everything that names may have."""
    return HistoryCapture(name=table, history_table=history, key="id", columns=("id", ODD), links=())


def test_capture__names_of_every_kind__writes_and_verifies_versions(in_alpha: Any) -> None:
    """Quotes, percent signs, dollars, braces, spaces and 63 bytes do no harm."""
    table, history = ("T%'\"{0} " + "x" * 56)[:63], ("H%'\"{0} " + "y" * 56)[:63]
    quoted = {name: '"{}"'.format(name.replace('"', '""')) for name in (table, history, ODD)}
    extra = (
        "history_id bigint GENERATED BY DEFAULT AS IDENTITY, history_type text, action text,"
        "history_date timestamptz, segment_id uuid, operation_id uuid, history_user_id uuid,"
        "actor_kind text, actor_label text,"
        "history_change_reason text, via_namespace text, via_grant uuid, reverted_from bigint"
    )
    run(f"CREATE TABLE {quoted[table]} (id int PRIMARY KEY, {quoted[ODD]} text)")
    run(f"CREATE TABLE {quoted[history]} (id int, {quoted[ODD]} text, {extra})")
    meta = type("Meta", (), {"app_label": "zoo", "db_table": table, "managed": False})
    model: Any = type("Odd", (models.Model,), {"__module__": "tests.zoo.models", "Meta": meta})
    try:
        with connection.schema_editor(atomic=False) as editor:
            editor.add_constraint(model, odd_capture(table, history))
        run(f"INSERT INTO {quoted[table]} VALUES (1, 'a'), (2, 'b')")  # noqa: S608
        run(f"UPDATE {quoted[table]} SET {quoted[ODD]} = 'c'")  # noqa: S608
        assert run(f"SELECT count(*) FROM {quoted[history]}") == [(4,)]  # noqa: S608
    finally:
        apps.all_models["zoo"].pop("odd", None)
        apps.clear_cache()


def test_capture__long_names__are_shortened_the_same_way_everywhere() -> None:
    """PostgreSQL cuts names at 63 bytes without a word; then they could not be found again."""
    capture = HistoryCapture(name="\u00fc" * 40, history_table="h", key="id", columns=("id",))
    names = [trigger.name for trigger in capture.triggers("t")]
    assert (max(len(name.encode()) for name in names) <= 63, len(set(names))) == (True, len(names))
