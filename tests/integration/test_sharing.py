"""S1 to S3: a row is visible elsewhere exactly while an active grant says so."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from shared_apps.sharing.models import Grant, GrantEvent, SharedResource, SharingPolicy
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import GrantStateRefused, NamespaceMismatch, NotPermitted, ShareRefused
from smartmodels.sharing import (
    accept,
    change_terms,
    decline,
    grant_for,
    leave,
    revoke,
    share,
    share_many,
)
from smartmodels.tenancy import life
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.lives import act


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study of alpha, where ana acts."""
    return Study.objects.create(code="A")


def visible_in(namespace: Any, study: Study) -> bool:
    """Tell whether the study is visible in the namespace."""
    with namespace_scope(namespace):
        return grant_for(Study, study.pk) is not None


def share_by_operator(study: Study, target: Any, **values: Any) -> Grant:
    """Share as the operator, who speaks for both sides."""
    with operation(actor=Actor.command("share")):
        grant: Grant = share(study, target, **values)
    return grant


def test_share__by_the_owner_of_the_home__waits_for_consent(study: Study, beta: Any) -> None:
    """Nothing shows up in a namespace that did not agree."""
    share(study, beta)
    assert not visible_in(beta, study)


def test_accept__by_an_admin_of_the_target__makes_the_row_visible(study: Study, beta: Any, bea: Any) -> None:
    """Consent makes it visible."""
    grant = share(study, beta)
    with operation(actor=Actor.user(bea)):
        accept(grant)
    assert visible_in(beta, study)


def test_accept__by_the_side_that_offers__is_not_permitted(study: Study, beta: Any) -> None:
    """Nobody consents for others."""
    with pytest.raises(NotPermitted):
        accept(share(study, beta))
    assert not visible_in(beta, study)


def test_accept__twice__changes_nothing(study: Study, beta: Any, bea: Any) -> None:
    """The second answer is the first."""
    grant = share(study, beta)
    with operation(actor=Actor.user(bea)):
        assert accept(accept(grant)).status == "active"
    assert GrantEvent.objects.filter(grant_id=grant.pk).count() == 2


def test_accept__after_its_days__is_refused(study: Study, beta: Any, bea: Any) -> None:
    """An offer does not wait for ever."""
    grant = share(study, beta)
    Grant.objects.filter(pk=grant.pk).update(answer_by=timezone.now())
    with operation(actor=Actor.user(bea)), pytest.raises(GrantStateRefused):
        accept(grant)
    grant.refresh_from_db()
    assert grant.status == "expired"


def test_decline__pending_grant__cannot_be_accepted_any_more(study: Study, beta: Any, bea: Any) -> None:
    """No means no."""
    grant = share(study, beta)
    with operation(actor=Actor.user(bea)):
        decline(grant)
        with pytest.raises(GrantStateRefused):
            accept(grant)
    assert not visible_in(beta, study)


def test_leave__active_grant__hides_the_row(study: Study, beta: Any, bea: Any) -> None:
    """Who was given a row can give it back."""
    grant = share_by_operator(study, beta)
    with operation(actor=Actor.user(bea)):
        assert leave(grant).status == "left"
    assert not visible_in(beta, study)


def test_share__with_a_name_nobody_has__looks_like_any_offer(study: Study, beta: Any) -> None:
    """Whoever offers does not learn which namespaces there are."""
    known, unknown = share_many([study], [beta, "nobody"])
    shown = ("status", "role", "ended_at", "decided_at")
    assert [getattr(known, name) for name in shown] == [getattr(unknown, name) for name in shown]
    assert unknown.target_id is None


def test_share__inbound_off__reaches_nobody(study: Study, beta: Any) -> None:
    """A namespace that takes nothing is not bothered, and does not say so."""
    SharingPolicy.objects.create(namespace=beta, inbound="off")
    grant = share(study, beta)
    assert (grant.status, grant.target_id) == ("pending", None)


def test_share__inbound_auto__is_active_at_once(study: Study, beta: Any) -> None:
    """A namespace may take what comes."""
    SharingPolicy.objects.create(namespace=beta, inbound="auto", partners=["alpha"])
    assert share(study, beta).status == "active"


def test_share__outbound_off__is_refused(study: Study, alpha: Any, beta: Any) -> None:
    """A namespace may keep all it has."""
    SharingPolicy.objects.create(namespace=alpha, outbound="off")
    with pytest.raises(ShareRefused, match="shares nothing"):
        share_by_operator(study, beta)


def test_share__by_a_member__is_not_permitted(study: Study, beta: Any, ben: Any) -> None:
    """Without a policy it takes somebody who manages the home."""
    with operation(actor=Actor.user(ben)), pytest.raises(NotPermitted):
        share(study, beta)


def test_grant__step_that_does_not_exist__is_refused_by_the_database(study: Study, beta: Any) -> None:
    """What is over stays over, whatever writes."""
    grant = share_by_operator(study, beta)
    with operation(actor=Actor.command("share")):
        revoke(grant)
    with pytest.raises(GrantStateRefused):
        Grant.objects.filter(pk=grant.pk).update(status="active")


def test_events__each_step__has_one(study: Study, beta: Any, bea: Any) -> None:
    """What happened, by whom, is read from the events."""
    grant = share(study, beta, role="edit")
    with operation(actor=Actor.user(bea), reason="fine"):
        accept(grant)
    with operation(actor=Actor.command("share")):
        change_terms(grant, role="view")
        revoke(grant)
    events = GrantEvent.objects.filter(grant_id=grant.pk).order_by("id")
    assert [(e.status_before, e.status, e.actor_label, e.terms["role"]) for e in events] == [
        ("", "pending", "ana@example.org", "edit"),
        ("pending", "active", "bea@example.org", "edit"),
        ("active", "active", "share", "view"),
        ("active", "revoked", "share", "view"),
    ]


def test_registry__row_changed_by_raw_sql__follows(study: Study, beta: Any) -> None:
    """The registry equals the row, whatever wrote that."""
    share_by_operator(study, beta)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE research_study SET code = 'B', deleted_at = now()")
    [registered] = SharedResource.objects.all()
    assert (registered.label, registered.version, registered.deleted_at is None) == ("B", 2, False)
    assert Grant.objects.get().resource_deleted


def test_grant__row_deleted_and_restored__sleeps_and_returns(study: Study, beta: Any) -> None:
    """A deleted row is visible nowhere, and everywhere again when it is back."""
    share_by_operator(study, beta)
    study.delete()
    assert not visible_in(beta, study)
    study.undelete()
    assert visible_in(beta, study)


def test_grant__row_purged__is_revoked(study: Study, beta: Any) -> None:
    """What is gone for good is shared with nobody."""
    grant = share_by_operator(study, beta)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM research_study")
    grant.refresh_from_db()
    assert (grant.status, SharedResource.objects.get().purged_at is None) == ("revoked", False)


def test_grant__home_suspended_and_resumed__sleeps_and_returns(study: Study, alpha: Any, beta: Any) -> None:
    """What a namespace shares is there while the namespace is."""
    grant = share_by_operator(study, beta)
    act(life.suspend, alpha)
    grant.refresh_from_db()
    assert grant.status == "suspended"
    act(life.resume, alpha)
    assert visible_in(beta, study)


def test_share__covering__grants_what_is_below(study: Study, beta: Any) -> None:
    """A rule: what belongs to the row is shared like it, now and later."""
    before = Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    share_by_operator(study, beta, covers_below=True, role="edit")
    after = Specimen.objects.create(study=study, number=2, individual="N2", species="Adelie")
    grants = Grant.objects.filter(model="research.specimen", cause="rule", status="active", role="edit")
    assert set(grants.values_list("row_id", flat=True)) == {before.pk, after.pk}


def test_covered_row__moved_elsewhere__is_no_longer_shared(study: Study, beta: Any) -> None:
    """A row is covered while it belongs to the row that is shared, whatever moves it; others stay."""
    rows = [Specimen.objects.create(study=study, number=n, individual="N", species="A") for n in (1, 2)]
    Observation.objects.create(specimen=rows[0])
    share_by_operator(study, beta, covers_below=True)
    assert Grant.objects.filter(status="active").count() == 4
    moved = Study.objects.create(code="secret")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE research_specimen SET study_id = %s WHERE id = %s", [moved.pk, rows[0].pk])
        cursor.execute("UPDATE research_specimen SET individual = 'M'")
    left = Grant.objects.filter(status="active").values_list("row_id", flat=True)
    assert set(left) == {study.pk, rows[1].pk}


def test_revoke__covering__ends_what_it_covers(study: Study, beta: Any) -> None:
    """The rule goes, and what it gave."""
    Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    grant = share_by_operator(study, beta, covers_below=True)
    with operation(actor=Actor.command("share")):
        revoke(grant)
    assert not Grant.objects.filter(status="active").exists()


def test_revoke__active_grant__hides_the_row_at_once(study: Study, beta: Any) -> None:
    """S3: a revocation holds from the next read on."""
    revoke(share_by_operator(study, beta))
    assert not visible_in(beta, study)


def test_grant__expired__hides_the_row_without_a_sweeper(study: Study, beta: Any) -> None:
    """S3: expiry is judged in the query."""
    grant = share_by_operator(study, beta, expires_at=timezone.now() + timedelta(days=1))
    Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now())
    assert not visible_in(beta, study)


def test_grant__home_suspended__hides_the_row(study: Study, alpha: Any, beta: Any) -> None:
    """A suspended home shows nothing."""
    share_by_operator(study, beta)
    act(life.suspend, alpha)
    assert not visible_in(beta, study)


def test_share__twice__keeps_one_living_grant(study: Study, beta: Any) -> None:
    """Sharing again changes the role of the grant that is there."""
    first = share_by_operator(study, beta)
    second = share_by_operator(study, beta, role="edit")
    assert (second.pk, second.role, Grant.objects.count()) == (first.pk, "edit", 1)


def test_share__with_its_home__is_refused(study: Study, alpha: Any) -> None:
    """A row is at home already."""
    with pytest.raises(ShareRefused, match="already"):
        share(study, alpha)


def test_share__deleted_row__is_refused(study: Study, beta: Any) -> None:
    """What is deleted is visible nowhere."""
    study.delete()
    with pytest.raises(ShareRefused, match="restore"):
        share(study, beta)


def test_share__unknown_role__is_refused(study: Study, beta: Any) -> None:
    """Only the roles there are."""
    with pytest.raises(ShareRefused, match="view, edit, manage"):
        share(study, beta, role="owner")


def test_share__row_of_another_namespace__is_refused(study: Study, beta: Any) -> None:
    """Only the home can share a row."""
    with namespace_scope(beta), pytest.raises(NamespaceMismatch):
        share(study, beta)


def test_grant__to_its_home__is_refused_by_the_database(study: Study, alpha: Any) -> None:
    """The constraint holds whatever writes."""
    registered = SharedResource.objects.create(
        home=alpha, model="research.study", resource_id=study.pk, sorted_at=study.created_at
    )
    with pytest.raises(IntegrityError):
        Grant.objects.create(resource=registered, home=alpha, target=alpha)


def test_namespaces__add_and_remove__follow_the_grants(study: Study, alpha: Any, beta: Any) -> None:
    """``resource.namespaces`` is the seed's way to say it."""
    with operation(actor=Actor.command("share")):
        study.namespaces.add(beta)
        assert set(study.namespaces.all()) == {alpha, beta}
        study.namespaces.remove(beta)
    assert set(study.namespaces.all()) == {alpha}


def test_namespaces__set__makes_it_exactly_these(study: Study, alpha: Any, beta: Any) -> None:
    """Setting none leaves the home."""
    with operation(actor=Actor.command("share")):
        study.namespaces.set([beta])
        study.namespaces.set([alpha])
    assert set(study.namespaces.all()) == {alpha}


def test_active_grants__constraints__stand_in_the_public_schema(study: Study) -> None:
    """T5: no constraint crosses schemas."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
            " JOIN pg_class r ON r.oid = c.confrelid"
            " WHERE c.contype = 'f' AND t.relnamespace <> r.relnamespace"
        )
        assert cursor.fetchone() == (0,)


def test_events__of_a_follower_with_terms_of_its_own__stand_in_their_order(
    study: Study, alpha: Any, beta: Any
) -> None:
    """A statement that changes a grant and what follows it tells of both in the order in which it was."""
    Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    share_by_operator(study, beta, covers_below=True)
    with operation(actor=Actor.command("share")):
        change_terms(Grant.objects.get(cause="rule"), role="manage")
    act(life.suspend, alpha)
    events = GrantEvent.objects.filter(model="research.specimen").order_by("id")
    assert list(events.values_list("status_before", "status")) == [
        ("", "active"), ("active", "active"), ("active", "suspended"),
    ]  # fmt: skip
