"""What policies say holds for every way in which more is shared: offered, passed on, covered, changed."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from shared_apps.sharing.models import Grant, SharingPolicy
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import GrantStateRefused, ShareRefused
from smartmodels.sharing import accept, change_terms, reshare, share
from tenant_apps.research.models import Specimen, Study
from tests.support.keys import make, program


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study of alpha, where ana acts."""
    return Study.objects.create(code="A")


def by_operator(study: Study, target: Any, **terms: Any) -> Grant:
    """Share as the operator, who speaks for both sides."""
    with operation(actor=Actor.command("share"), nested=False):
        grant: Grant = share(study, target, **terms)
    return grant


def set_policy_of(namespace: Any, **values: Any) -> None:
    """Let the namespace have this policy from now on."""
    SharingPolicy.objects.update_or_create(namespace=namespace, defaults=values)


def specimen_of(study: Study, number: int = 1) -> Specimen:
    """A specimen of the study."""
    made: Specimen = Specimen.objects.create(study=study, number=number, individual="N", species="A")
    return made


# What the home lets out


@pytest.mark.parametrize("policy", [{"outbound": "off"}, {"highest_role": "view"}])
def test_reshare__against_the_policy_of_the_home__is_refused(
    policy: dict[str, str], study: Study, alpha: Any, beta: Any, bea: Any
) -> None:
    """Who passes on passes on what the home lets out now."""
    grant = by_operator(study, beta, role="edit", may_reshare=True)
    set_policy_of(alpha, **policy)
    with namespace_scope(beta), operation(actor=Actor.user(bea)), pytest.raises(ShareRefused, match="policy"):
        reshare(grant, "gamma", role="edit")


@override_settings(SMARTMODELS_INHERIT_NAMESPACES="family")
def test_create__below_a_covered_row_of_a_home_that_shares_nothing__stays_there(
    study: Study, alpha: Any, beta: Any
) -> None:
    """Off means that nothing new goes out."""
    by_operator(study, beta, covers_below=True)
    set_policy_of(alpha, outbound="off")
    specimen_of(study)
    assert not Grant.objects.filter(model="research.specimen").exists()


@override_settings(SMARTMODELS_INHERIT_NAMESPACES="family")
def test_create__below_a_covered_row__is_shared_as_the_highest_role_at_most(
    study: Study, alpha: Any, beta: Any
) -> None:
    """A limit that was lowered holds for what is shared from then on."""
    by_operator(study, beta, role="manage", covers_below=True)
    set_policy_of(alpha, highest_role="view")
    specimen_of(study)
    assert Grant.objects.get(model="research.specimen").role == "view"


@pytest.mark.parametrize(
    "more",
    [
        {"covers_below": True}, {"role": "edit"}, {"history": "full"}, {"at_end": "copy"},
        {"may_reshare": True}, {"expires_at": None},
    ],
)  # fmt: skip
def test_change_terms__to_more_of_a_home_that_shares_nothing__is_refused(
    more: dict[str, Any], study: Study, alpha: Any, beta: Any
) -> None:
    """What is shared stays, and grows no more."""
    grant = by_operator(study, beta, expires_at=timezone.now() + timedelta(days=1))
    set_policy_of(alpha, outbound="off")
    with pytest.raises(ShareRefused, match="shares nothing"):
        change_terms(grant, **more)


def test_change_terms__to_less_of_a_home_that_shares_nothing__is_done(
    study: Study, alpha: Any, beta: Any
) -> None:
    """Taking back is always possible."""
    grant = by_operator(study, beta, role="manage", history="full")
    set_policy_of(alpha, outbound="off", highest_role="view")
    changed = change_terms(grant, role="edit", history="none", expires_at=timezone.now() + timedelta(days=1))
    assert (changed.role, changed.history, changed.expires_at is None) == ("edit", "none", False)


# What the target takes in


def test_change_terms__above_what_the_target_takes__is_refused(study: Study, beta: Any) -> None:
    """It consented to less."""
    grant = by_operator(study, beta)
    set_policy_of(beta, highest_role="view")
    with pytest.raises(ShareRefused, match="beta takes no more"):
        change_terms(grant, role="manage")


def offered_again(_: Grant, **terms: Any) -> Any:
    """Offer it once more."""
    return share(Study.objects.get(), "beta", **terms)


@pytest.mark.parametrize("way", [change_terms, offered_again])
def test_accept__of_what_was_raised_above_what_is_taken__is_refused(
    way: Any, study: Study, beta: Any, bea: Any
) -> None:
    """Whoever offers learns nothing of it, and the target does not get more than it takes."""
    set_policy_of(beta, highest_role="view")
    grant = share(study, beta)
    raised = way(grant, role="manage")
    assert (raised.pk, raised.role, raised.status) == (grant.pk, "manage", "pending")
    with operation(actor=Actor.user(bea)), pytest.raises(ShareRefused, match="view at most"):
        accept(grant)
    grant.refresh_from_db()
    assert grant.status == "pending"


# What nobody gets


def test_share__of_a_home_that_is_about_to_go__is_refused(study: Study, alpha: Any, beta: Any) -> None:
    """An offer that waits would outlive it."""
    type(alpha).objects.filter(pk=alpha.pk).update(state="deleting")
    with pytest.raises(GrantStateRefused, match="about to go"):
        share(study, beta)
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("scopes", "label"), [(["grants:read"], None), (["grants:read", "studies:read"], "A")]
)
def test_grants__for_a_key_that_reads_no_such_rows__name_none(
    scopes: list[str], label: str | None, study: Study, alpha: Any, ana: Any, beta: Any
) -> None:
    """What a row is called is read with the scope of its list."""
    share(study, beta)
    _, secret = make(alpha, ana, scopes)
    [grant] = program(alpha, secret).get("/api/v1/grants/").json()["results"]
    assert grant["resource_label"] == label


# What is covered


def test_cover__row_that_is_deleted__is_shared_once_it_is_restored(study: Study, beta: Any) -> None:
    """What belongs to the row belongs to it while it is deleted as well."""
    specimen = specimen_of(study)
    specimen.delete()
    by_operator(study, beta, covers_below=True)
    grant = Grant.objects.get(model="research.specimen")
    assert (grant.status, grant.resource_deleted) == ("active", True)
    specimen.undelete()
    grant.refresh_from_db()
    assert (grant.status, grant.resource_deleted) == ("active", False)
