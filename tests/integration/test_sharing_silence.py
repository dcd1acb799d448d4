"""What one namespace does not learn of another by what is shared, beyond what the grant says."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from shared_apps.sharing.models import Grant, GrantEvent, SharingPolicy
from shared_apps.sharing.reading import restricted
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ShareRefused
from smartmodels.rest import SmartSerializer, serializers
from smartmodels.sharing import change_terms, reshare, share
from tenant_apps.research.models import Specimen, Study
from tests.support.many import cheap_namespace

GRANTS = "/api/v1/grants/"
STUDIES = "/api/v1/studies/"


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="A", title="Before")
    return made


def granted(study: Study, home: Any, target: Any, **terms: Any) -> Grant:
    """The operator's consent of both sides."""
    with namespace_scope(home), operation(actor=Actor.command("share")):
        made: Grant = share(study, target, **terms)
    return made


def offered(study: Study, home: Any, user: Any, to: str, **terms: Any) -> Grant:
    """What somebody offers to a name."""
    with namespace_scope(home), operation(actor=Actor.user(user)):
        made: Grant = share(study, to, **terms)
    return made


# Passed on


@pytest.mark.parametrize("terms", [{"history": "full"}, {"history": "since"}, {"at_end": "copy"}])
def test_reshare__for_more_than_was_shared__is_refused(
    terms: dict[str, str], study: Study, alpha: Any, beta: Any, bea: Any
) -> None:
    """Neither versions nor a copy go to a third one that were not for the second."""
    grant = granted(study, alpha, beta, may_reshare=True)
    with namespace_scope(beta), operation(actor=Actor.user(bea)), pytest.raises(ShareRefused):
        reshare(grant, "gamma", **terms)


@pytest.mark.parametrize("is_shared", [True, False])
def test_reshare__to_who_sees_the_row_already__looks_like_an_offer(
    is_shared: bool, study: Study, alpha: Any, beta: Any, bea: Any, gamma: Any, api_of: Any
) -> None:
    """Whom else the home shares with, and how, is not for who passes on."""
    grant = granted(study, alpha, beta, may_reshare=True)
    if is_shared:
        granted(study, alpha, gamma, role="manage")
    asked = {"namespace": "gamma"}
    first, again = (api_of(bea, beta).post(f"{GRANTS}{grant.pk}/reshare/", asked).json() for _ in range(2))
    told = (first["status"], first["role"], first["source"], first["id"] == again["id"])
    assert told == ("pending", "view", str(grant.pk), True)


def test_reshare__to_a_name_the_home_offered_it_to__is_an_offer_of_its_own(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any
) -> None:
    """What the home waits for is not for who passes on."""
    grant, first = granted(study, alpha, beta, may_reshare=True), offered(study, alpha, ana, "nobody")
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        second = reshare(grant, "nobody")
    assert (second.pk != first.pk, second.source_id) == (True, grant.pk)


def test_events__of_what_was_passed_on__name_nobody(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """The home does not learn who of the second namespace passed it on, nor why."""
    grant = granted(study, alpha, beta, may_reshare=True)
    with namespace_scope(beta), operation(actor=Actor.user(bea), reason="between us"):
        made = reshare(grant, "gamma")
    [event] = api_of(ana, alpha).get(f"{GRANTS}{made.pk}/events/").json()["results"]
    assert (event["actor"], event["reason"]) == (None, None)
    assert GrantEvent.objects.get(grant_id=made.pk).actor_label == "bea@example.org"


# Terms that are narrowed


@pytest.mark.parametrize(
    ("before", "after"),
    [({"history": "full"}, {"history": "none"}), ({"at_end": "copy"}, {"at_end": "none"})],
)
def test_change_terms__to_less__holds_for_what_follows(
    before: dict[str, str], after: dict[str, str], study: Study, alpha: Any, beta: Any, bea: Any, gamma: Any
) -> None:
    """What is covered, or was passed on, shows no more than the grant it comes from."""
    with namespace_scope(alpha), operation(actor=Actor.command("seed")):
        Specimen.objects.create(study=study, number=1, individual="N", species="Adelie")
    grant = granted(study, alpha, beta, may_reshare=True, covers_below=True, **before)
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        reshare(grant, gamma, **before)
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        change_terms(grant, **after)
    [name] = after
    assert list(Grant.objects.filter(source=grant).values_list(name, flat=True)) == ["none", "none"]


def test_change_terms__to_cover_no_more__holds_for_what_is_covered(
    study: Study, alpha: Any, beta: Any
) -> None:
    """New rows below covered ones are not shared either."""
    with namespace_scope(alpha), operation(actor=Actor.command("seed")):
        Specimen.objects.create(study=study, number=1, individual="N", species="Adelie")
    grant = granted(study, alpha, beta, covers_below=True)
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        change_terms(grant, covers_below=False)
    [follower] = Grant.objects.filter(source=grant)
    assert (follower.covers_below, follower.status) == (False, "active")


# Who is there


def test_share__to_a_name_before_and_after_somebody_bears_it__is_one_offer(
    study: Study, alpha: Any, ana: Any
) -> None:
    """Whoever offers twice does not learn that there is somebody by now."""
    first = offered(study, alpha, ana, "gamma")
    cheap_namespace("gamma", like=alpha)
    assert offered(study, alpha, ana, "gamma").pk == first.pk


def test_share__for_more_than_the_other_takes__is_one_offer(
    study: Study, alpha: Any, ana: Any, beta: Any
) -> None:
    """What the other takes is not told by a second offer."""
    SharingPolicy.objects.create(namespace=beta, highest_role="view")
    first = offered(study, alpha, ana, "beta")
    assert offered(study, alpha, ana, "beta", role="manage").pk == first.pk


def test_grant__refused_copy__is_told_to_the_target_alone(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A value that is taken there is none of the home's business."""
    grant = granted(study, alpha, beta)
    Grant.objects.update(copied_as=grant.pk, copy_refused="taken")
    told = [
        (row["copied_as"], row["copy_refused"])
        for row in (api_of(*each).get(f"{GRANTS}{grant.pk}/").json() for each in ((ana, alpha), (bea, beta)))
    ]
    assert told == [(None, ""), (str(grant.pk), "taken")]


# People and rows of the home


class WithTitle(SmartSerializer):
    """A specimen with the title of its study."""

    study_title = serializers.CharField(source="study.title", read_only=True)

    class Meta:
        model = Specimen
        fields = ("id", "study", "study_title", "species")


def test_restricted__value_of_another_row__is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that may be read does not open the row that it leads to."""
    options = replace(Specimen.smart, view_fields=("study",))
    monkeypatch.setattr(Specimen, "smart", options)
    assert list(restricted(WithTitle, Specimen)().fields) == ["id", "study"]


@pytest.mark.parametrize("path", ["history/", "history/{version}/"])
def test_history__of_a_shared_row__names_own_people_alone(
    path: str, study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Who of the home changed it, why, and through whom others did is not told."""
    grant = granted(study, alpha, beta, history="full", role="edit")
    with (
        namespace_scope(alpha),
        operation(actor=Actor.user(ana), reason="ours", via="gamma", via_grant=uuid4()),
    ):
        study.title = "Later"
        study.save()
        version = Study.history.filter(id=study.pk).latest("history_id").pk
    api = api_of(bea, beta)
    answer = api.get(f"{STUDIES}{study.pk}/{path.format(version=version)}").json()
    shown = answer["results"][0] if "results" in answer else answer
    assert (shown["actor"], shown["reason"], shown["via"], shown["via_grant"]) == (
        {"kind": "user", "label": None, "user": None}, None, None, None,
    )  # fmt: skip
    api.patch(f"{STUDIES}{study.pk}/", {"title": "Here"})
    newest = api.get(f"{STUDIES}{study.pk}/history/").json()["results"][0]
    assert (newest["actor"]["label"], newest["via"]) == ("bea@example.org", "beta")
    assert newest["via_grant"] == str(grant.pk)


def test_restore__where_another_row_holds_the_value__names_none_of_it(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A row of the home that is not shared stands in the way unnamed."""
    granted(study, alpha, beta, role="manage")
    api = api_of(bea, beta)
    api.delete(f"{STUDIES}{study.pk}/")
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        other = Study.objects.create(code="A", title="Confidential")
    answer = api.post(f"{STUDIES}{study.pk}/restore/", {})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert ("Confidential" in text, str(other.pk) in text) == (False, False)


def test_accept__too_late__does_not_say_who_tried(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """The end of a time is nobody's step."""
    grant = offered(study, alpha, ana, "beta")
    Grant.objects.update(answer_by="2020-01-01T00:00:00Z")
    assert api_of(bea, beta).post(f"{GRANTS}{grant.pk}/accept/", {}).status_code == 409
    Grant.objects.filter(pk=grant.pk).update(status="expired")
    rows = api_of(ana, alpha).get(f"{GRANTS}{grant.pk}/events/").json()["results"]
    assert [row["actor"] for row in rows if row["status"] == "expired"] == [None]
