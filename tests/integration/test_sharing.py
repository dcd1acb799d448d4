"""S1 to S3: a row is visible elsewhere exactly while an active grant says so."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from shared_apps.sharing.models import Grant, SharedResource
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NamespaceMismatch, ShareRefused
from smartmodels.sharing import accept, decline, grant_for, revoke, share
from smartmodels.tenancy import life
from tenant_apps.research.models import Study
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


def test_accept__pending_grant__makes_the_row_visible(study: Study, beta: Any) -> None:
    """Consent makes it visible."""
    accept(share(study, beta))
    assert visible_in(beta, study)


def test_decline__pending_grant__cannot_be_accepted_any_more(study: Study, beta: Any) -> None:
    """No means no."""
    accept(decline(share(study, beta)))
    assert not visible_in(beta, study)


def test_revoke__active_grant__hides_the_row_at_once(study: Study, beta: Any) -> None:
    """S3: a revocation holds from the next read on."""
    revoke(share_by_operator(study, beta))
    assert not visible_in(beta, study)


def test_grant__expired__hides_the_row_without_a_sweeper(study: Study, beta: Any) -> None:
    """S3: expiry is judged in the query."""
    share_by_operator(study, beta, expires_at=timezone.now() - timedelta(seconds=1))
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
    registered = SharedResource.objects.create(home=alpha, model="research.study", resource_id=study.pk)
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
