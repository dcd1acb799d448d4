"""What no version says any more is never guessed: a revert names it, and writes nothing over it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from smartmodels.context import operation
from smartmodels.exceptions import RevertConflict
from smartmodels.history import (
    apply_revert,
    changes_of,
    mark,
    plan_revert_mark,
    plan_revert_operation,
    resolve,
)
from smartmodels.history.evidence import erase_versions, prune
from smartmodels.history.records import history_model
from smartmodels.history.selecting import InOperation
from tests.zoo.models import Feed

pytestmark = pytest.mark.usefixtures("in_alpha")


@contextmanager
def done(action: str | None = None) -> Iterator[Any]:
    """An operation of its own."""
    with operation(id=uuid7(), nested=False, action=action) as opened:
        yield opened


def forget() -> None:
    prune(before=timezone.now())


def against(plan: Any) -> list[tuple[str | None, str]]:
    return [(conflict.field, conflict.code) for conflict in plan.conflicts]


def kinds(opened: Any) -> list[str]:
    return [change.kind for change in changes_of(InOperation(opened.id))]


@pytest.fixture
def feed() -> Feed:
    with done():
        return Feed.objects.create(name="old1")


@pytest.fixture
def renamed(feed: Feed) -> Any:
    """The operation that changed the feed."""
    with done() as opened:
        Feed.objects.filter(pk=feed.pk).update(name="old2")
    return opened


FORGOTTEN = [(None, "forgotten")]


def test_plan__update_whose_past_was_pruned__is_forgotten_and_no_deletion(renamed: Any) -> None:
    """That no earlier version is kept does not mean that there was no row."""
    forget()
    plan = plan_revert_operation(renamed.id)
    assert (against(plan), plan.counts) == (FORGOTTEN, {"update": 1})


def test_plan_mark__update_whose_past_was_pruned__is_forgotten(feed: Feed) -> None:
    """A mark lies before what was pruned."""
    before = mark("before")
    with done():
        Feed.objects.filter(pk=feed.pk).update(name="old2")
    forget()
    plan = plan_revert_mark(before)
    assert (against(plan), plan.counts) == (FORGOTTEN, {"update": 1})


def test_plan__deletion_whose_past_was_pruned__is_forgotten(feed: Feed) -> None:
    """It is not passed over in silence."""
    with done() as opened:
        feed.delete()
    forget()
    assert against(plan_revert_operation(opened.id)) == FORGOTTEN


def test_plan__restoration_whose_past_was_pruned__is_forgotten(feed: Feed) -> None:
    """A row that came back was not made."""
    with done():
        feed.delete()
    with done() as opened:
        Feed.all_objects.filter(pk=feed.pk).undelete()
    forget()
    assert against(plan_revert_operation(opened.id)) == FORGOTTEN


def test_plan__purge_whose_past_was_pruned__is_forgotten(feed: Feed) -> None:
    """A row that is gone for good is said to be out of reach."""
    with done() as opened:
        feed.purge()
    prune(before=timezone.now(), keep_last=1)
    assert against(plan_revert_operation(opened.id)) == FORGOTTEN


def test_plan_mark__revived_by_a_revert_and_pruned__is_forgotten(feed: Feed) -> None:
    """A row that a revert brought back may have lived at the mark."""
    before = mark("before")
    with done() as opened:
        feed.purge()
    apply_revert(plan_revert_operation(opened.id))
    forget()
    assert against(plan_revert_mark(before)) == FORGOTTEN


@pytest.mark.parametrize("action", [None, "import"])
def test_plan__creation_kept_while_pruning__is_a_deletion(action: str | None) -> None:
    """A real beginning is known, whatever the operation calls itself."""
    with done(action) as opened:
        Feed.objects.create(name="new")
    forget()
    plan = plan_revert_operation(opened.id)
    assert (plan.counts, plan.conflicts, kinds(opened)) == ({"delete": 1}, (), ["created"])


def test_apply__forgotten_and_forced__is_refused_and_changes_nothing(feed: Feed, renamed: Any) -> None:
    """Force writes over what others changed, not over what nobody knows."""
    forget()
    with pytest.raises(RevertConflict, match="no longer kept"):
        apply_revert(plan_revert_operation(renamed.id), strategy="force")
    assert Feed.objects.get(pk=feed.pk).name == "old2"


@pytest.mark.parametrize("strategy", ["skip", "merge"])
def test_resolve__forgotten_row__is_left_out(renamed: Any, strategy: Any) -> None:
    """What is known can still be undone without it."""
    forget()
    plan = resolve(plan_revert_operation(renamed.id), strategy)
    assert (plan.rows, len(plan.left)) == ((), 1)


def _rename(feed: Feed) -> None:
    Feed.objects.filter(pk=feed.pk).update(name="old2")


def _delete(feed: Feed) -> None:
    feed.delete()


def _restore(feed: Feed) -> None:
    Feed.all_objects.filter(pk=feed.pk).undelete()


def _purge(feed: Feed) -> None:
    feed.purge()


@pytest.mark.parametrize(
    ("change", "kind"),
    [(_rename, "updated"), (_delete, "deleted"), (_restore, "restored"), (_purge, "purged")],
)
def test_changes_of__pruned_past__says_what_is_known(
    feed: Feed, change: Callable[[Feed], None], kind: str
) -> None:
    """No row is shown as created that was there before."""
    if change is _restore:
        with done():
            feed.delete()
    with done() as opened:
        change(feed)
    prune(before=timezone.now(), keep_last=1)
    assert kinds(opened) == [kind]


# Erased values


def erase(feed: Feed, **values: Any) -> None:
    """Erase values of the first version of the feed."""
    versions = history_model(Feed).objects.filter(id=feed.pk).order_by("history_id")
    first = versions.values_list("history_id", flat=True)[0]
    erase_versions(history_model(Feed).objects.filter(history_id=first), **values)


def test_plan__value_was_erased__is_forgotten_for_that_field(feed: Feed, renamed: Any) -> None:
    """What was written over a value is not the value."""
    erase(feed, name="")
    plan = plan_revert_operation(renamed.id)
    assert (against(plan), plan.changes) == ([("name", "forgotten")], ())


@pytest.mark.parametrize("strategy", ["skip", "merge"])
def test_apply__value_was_erased__the_living_one_stays(feed: Feed, renamed: Any, strategy: Any) -> None:
    """Nothing overwrites a value with nothing."""
    erase(feed, name="")
    apply_revert(plan_revert_operation(renamed.id), strategy=strategy)
    assert Feed.objects.get(pk=feed.pk).name == "old2"


def test_apply__value_was_erased_and_forced__is_refused(feed: Feed, renamed: Any) -> None:
    """Force does not bring back what was to be forgotten."""
    erase(feed, name="")
    with pytest.raises(RevertConflict, match="erased"):
        apply_revert(plan_revert_operation(renamed.id), strategy="force")


def test_plan__purged_row_whose_version_was_erased__is_forgotten(feed: Feed) -> None:
    """A row does not come back with what was written over it."""
    with done() as opened:
        Feed.objects.get(pk=feed.pk).purge()
    erase(feed, name="")
    assert (None, "forgotten") in against(plan_revert_operation(opened.id))


def test_plan__erased_to_what_it_said__is_known(feed: Feed, renamed: Any) -> None:
    """An erasure that changed nothing hides nothing."""
    erase(feed, name="old1")
    plan = plan_revert_operation(renamed.id)
    assert (against(plan), [change.new for change in plan.changes]) == ([], ["old1"])
