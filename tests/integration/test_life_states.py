"""What may follow what in the life of a namespace, whoever asks, in whatever order and at the same time."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_apps.namespaces.models import Membership, Namespace
from shared_apps.operations.models import AuditEntry
from smartmodels.context import Actor, operation
from smartmodels.exceptions import ActorRequired, NamespaceNotFound
from smartmodels.tenancy import life
from smartmodels.tenancy.errors import NamespaceStateRefused
from smartmodels.tenancy.models import State
from tests.support.closing import in_thread
from tests.support.lives import act, audit_of

SERVICES: dict[str, Callable[[Any], Any]] = {
    "suspend": life.suspend,
    "resume": life.resume,
    "maintenance-on": life.begin_maintenance,
    "maintenance-off": life.end_maintenance,
    "archive": life.archive,
    "unarchive": life.unarchive,
    "delete": life.delete,
    "undelete": life.undelete,
}
# What is expected, said apart from the table of the product: state -> action -> state.
LIVING = {"archive": "archived", "delete": "deleted", "suspend": "suspended"}
EXPECTED = {
    "active": {**LIVING, "maintenance-on": "maintenance", "resume": "active", "maintenance-off": "active",
               "unarchive": "active"},
    "maintenance": {**LIVING, "maintenance-on": "maintenance", "maintenance-off": "active"},
    "suspended": {**LIVING, "resume": "active"},
    "archived": {"archive": "archived", "unarchive": "active", "delete": "deleted"},
    "deleted": {"delete": "deleted"},
}  # fmt: skip


class Model:
    """A namespace as the documentation describes it."""

    def __init__(self) -> None:
        self.state, self.before = "active", ""

    def do(self, action: str) -> bool:
        """Whether it is allowed; then it is done."""
        if action == "undelete":
            if self.state == "deleted":
                self.state = self.before
            return True
        after = EXPECTED[self.state].get(action)
        if after is None:
            return False
        if after == "deleted" and self.state != "deleted":
            self.before = self.state
        self.state = after
        return True


def is_done(action: str, namespace: Any) -> bool:
    try:
        act(SERVICES[action], namespace)
    except NamespaceStateRefused:
        return False
    return True


def test_life__any_sequence_of_actions__is_as_documented(alpha: Namespace) -> None:
    """The stored state, what is refused and what is on record follow the model after every action."""

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(sorted(SERVICES)), max_size=12))
    def run(actions: list[str]) -> None:
        with transaction.atomic():
            model, namespace = Model(), Namespace.objects.get(pk=alpha.pk)
            for number, action in enumerate(actions, 1):
                assert is_done(action, namespace) == model.do(action), (action, actions)
                assert Namespace.objects.get(pk=alpha.pk).state == model.state, (action, actions)
                assert AuditEntry.objects.count() == number
            transaction.set_rollback(True)

    run()


@pytest.mark.parametrize("state", [State.RESERVED, State.CREATING, State.FAILED, State.DELETING])
@pytest.mark.parametrize("action", sorted(SERVICES))
def test_action__on_what_is_not_whole__is_refused(alpha: Namespace, state: State, action: str) -> None:
    """What is half-made or half removed has other ways out, which the refusal names."""
    Namespace.objects.filter(pk=alpha.pk).update(state=state)
    with pytest.raises(NamespaceStateRefused, match="`namespace"):
        act(SERVICES[action], alpha)


@pytest.mark.parametrize("action", sorted(SERVICES))
def test_action__by_nobody__is_refused(alpha: Namespace, action: str) -> None:
    """Somebody has to answer for it."""
    with pytest.raises(ActorRequired):
        SERVICES[action](alpha)
    assert Namespace.objects.get(pk=alpha.pk).state == "active"


def test_action__on_a_namespace_that_is_gone__says_so(alpha: Namespace) -> None:
    """Somebody removed it meanwhile."""
    Namespace.objects.filter(pk=alpha.pk).delete()
    with pytest.raises(NamespaceNotFound):
        act(life.suspend, alpha)


def test_undelete__of_one_that_was_suspended__is_suspended(alpha: Namespace) -> None:
    """Deleting is no way around a suspension."""
    for service in (life.suspend, life.delete, life.undelete):
        act(service, alpha)
    assert alpha.state == "suspended"


def test_delete__with_a_grace_of_days__can_be_purged_after_them(alpha: Namespace, settings: Any) -> None:
    """The end is settled when it is deleted."""
    settings.SMARTMODELS_NAMESPACE_GRACE_DAYS = 7
    act(life.delete, alpha)
    assert (alpha.purge_after - alpha.deleted_at).days == 7


def test_delete__of_a_namespace__ends_its_logins_alone(
    alpha: Namespace, beta: Namespace, ben: Any, client_of: Any, api_of: Any
) -> None:
    """Sessions and tokens of other namespaces go on."""
    browser, _ = client_of(ben, beta), api_of(ben, alpha)
    client_of(ben, alpha)
    act(life.delete, alpha)
    assert not ben.tokens.filter(namespace_id=alpha.pk).exists()
    assert browser.get("/admin/").status_code == 200


def test_delete__then_undelete__keeps_members(alpha: Namespace) -> None:
    """What comes back is whole."""
    before = set(Membership.objects.filter(namespace=alpha).values_list("user_id", "role"))
    act(life.delete, alpha)
    act(life.undelete, alpha)
    assert set(Membership.objects.filter(namespace=alpha).values_list("user_id", "role")) == before


def test_maintenance__again__changes_the_notice(alpha: Namespace) -> None:
    """What people are told may change while it lasts."""
    act(life.begin_maintenance, alpha, notice="Back at noon")
    act(life.begin_maintenance, alpha, notice="Back at one")
    assert alpha.notice == "Back at one"


def test_maintenance__over__leaves_no_notice(alpha: Namespace) -> None:
    """The next one begins without it."""
    act(life.begin_maintenance, alpha, notice="Back at noon")
    act(life.end_maintenance, alpha)
    assert (alpha.notice, alpha.back_at) == ("", None)


# At the same time


def _together(*jobs: Callable[[], Any]) -> None:
    gate = threading.Barrier(len(jobs))

    def after_all(job: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            connections["default"].ensure_connection()
            gate.wait(10)
            return job()

        return run

    for thread in [in_thread(after_all(job)) for job in jobs]:
        thread.join()


@pytest.mark.parametrize(
    ("actions", "ends"),
    [
        (("suspend", "archive"), {"suspended", "archived"}),
        (("delete", "suspend"), {"deleted"}),
        (("delete", "delete"), {"deleted"}),
        (("maintenance-on", "maintenance-on"), {"maintenance"}),
    ],
)
def test_actions__two_at_once__follow_one_another(
    committing: Any, alpha: Namespace, actions: tuple[str, str], ends: set[str]
) -> None:
    """Each sees what the other did; both are on record, and the state is one that an order of them gives."""
    said: list[bool] = []

    def job(action: str) -> Callable[[], Any]:
        return lambda: said.append(is_done(action, Namespace.objects.get(pk=alpha.pk)))

    _together(*map(job, actions))
    outcomes = sorted(outcome for _, outcome in audit_of("alpha"))
    assert Namespace.objects.get(pk=alpha.pk).state in ends
    assert len(outcomes) == 2
    assert outcomes.count("refused") == said.count(False)


def test_action__with_its_operation__is_on_record(alpha: Namespace, staff: Any) -> None:
    """Who, when, what, of which namespace, why, and what came of it."""
    with operation(actor=Actor.user(staff), reason="unpaid") as opened:
        life.suspend(alpha)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.outcome, entry.namespace_id, entry.slug) == (
        "suspend",
        "done",
        alpha.pk,
        "alpha",
    )
    assert (entry.user_id, entry.actor_kind, entry.actor_label, entry.reason, entry.operation_id) == (
        staff.pk,
        "user",
        "",
        "unpaid",
        opened.id,
    )
    assert entry.details == {"before": "active", "after": "suspended"}
