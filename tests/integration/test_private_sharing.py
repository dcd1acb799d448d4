"""Private mode: whose row it is shares it with other members, who see and change it as the grant says."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from shared_apps.namespaces.models import Membership
from shared_apps.sharing.models import Grant, GrantEvent
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import GrantStateRefused, NotPermitted, ShareRefused
from smartmodels.sharing import (
    accept,
    change_terms,
    decline,
    leave,
    revoke,
    set_policy,
    share,
    share_with_users,
    visible_rows,
)
from smartmodels.tenancy import life
from tenant_apps.research.models import Study

GRANTS = "/api/v1/grants/"
STUDIES = "/api/v1/studies/"


@pytest.fixture(autouse=True)
def private(settings: Any) -> None:
    """Rows belong to people."""
    settings.SMARTMODELS_OWNER_MODEL = settings.AUTH_USER_MODEL


def acting(user: Any) -> Any:
    """Let a person act."""
    return operation(actor=Actor.user(user), nested=False)


@pytest.fixture
def study(alpha: Any, ben: Any) -> Study:
    """A study of ben's, who is a plain member."""
    with namespace_scope(alpha), acting(ben):
        made: Study = Study.objects.create(code="A", title="Before")
    return made


def give(study: Study, namespace: Any, *users: Any, **terms: Any) -> list[Any]:
    """The operator's consent that these users see it."""
    with namespace_scope(namespace), operation(actor=Actor.command("share"), nested=False):
        return share_with_users([study], users, **terms)


@pytest.fixture
def offer(study: Study, alpha: Any, ben: Any, ana: Any) -> Any:
    """An offer of ben's to ana, the owner of the namespace."""
    with namespace_scope(alpha), acting(ben):
        return share_with_users([study], [ana])[0]


def codes(api: Any, **asked: Any) -> list[str]:
    """The codes on the first page of studies."""
    return [row["code"] for row in api.get(STUDIES, **asked).json()["results"]]


# Offer and answer


def test_offer__of_the_owner_of_the_row__waits(offer: Any) -> None:
    """The other one is asked first."""
    assert (offer.status, offer.target_id, offer.user.email) == ("pending", None, offer.target_slug)


def test_offer__that_waits__shows_nothing(offer: Any, alpha: Any, ana: Any, api_of: Any) -> None:
    """Nothing is visible by an offer."""
    assert codes(api_of(ana, alpha)) == []


def test_offer__accepted__shows_the_row(offer: Any, alpha: Any, ana: Any, api_of: Any) -> None:
    """From then on."""
    with acting(ana):
        accept(offer)
    assert codes(api_of(ana, alpha)) == ["A"]


def test_offer__where_everything_is_taken_in__is_active(study: Study, alpha: Any, ana: Any, ben: Any) -> None:
    """As the policy of the namespace says."""
    with operation(actor=Actor.command("share")):
        set_policy(alpha, inbound="auto")
    with namespace_scope(alpha), acting(ben):
        assert share_with_users([study], [ana])[0].status == "active"


@pytest.mark.parametrize("way", ["outbound", "inbound"])
def test_offer__where_nothing_is_shared__is_refused(
    way: str, study: Study, alpha: Any, ana: Any, ben: Any
) -> None:
    """As the policy of the namespace says."""
    with operation(actor=Actor.command("share")):
        set_policy(alpha, **{way: "off"})
    with namespace_scope(alpha), acting(ben), pytest.raises(ShareRefused, match="policy"):
        share_with_users([study], [ana])


def test_offer__above_the_highest_role__is_refused(study: Study, alpha: Any, ana: Any, ben: Any) -> None:
    """As the policy of the namespace says."""
    with operation(actor=Actor.command("share")):
        set_policy(alpha, highest_role="view")
    with namespace_scope(alpha), acting(ben), pytest.raises(ShareRefused, match="view at most"):
        share_with_users([study], [ana], role="edit")


def test_offer__of_anothers_row__is_not_permitted(study: Study, alpha: Any, ana: Any, vic: Any) -> None:
    """Not to the owner of the namespace either."""
    with namespace_scope(alpha), acting(ana), pytest.raises(NotPermitted):
        share_with_users([study], [vic])


def test_offer__to_whose_row_it_is__is_refused(study: Study, alpha: Any, ben: Any) -> None:
    """They see it already."""
    with namespace_scope(alpha), acting(ben), pytest.raises(ShareRefused, match="already"):
        share_with_users([study], [ben])


def test_offer__twice__keeps_one_living_grant(offer: Any, study: Study, alpha: Any, ana: Any) -> None:
    """It gets the new terms."""
    again = give(study, alpha, ana, role="edit")[0]
    assert (again.pk, again.role, Grant.objects.count()) == (offer.pk, "edit", 1)


@pytest.mark.parametrize("name", ["nobody@example.org", "bea@example.org"])
def test_offer__to_no_member__looks_like_one_that_waits(
    name: str, study: Study, alpha: Any, ben: Any, api_of: Any
) -> None:
    """Whoever offers learns nothing of who has an account."""
    body = {"resource_type": "research.study", "resource_id": str(study.pk), "user": name}
    said = api_of(ben, alpha).post(GRANTS, body)
    assert (said.status_code, said.json()["status"], said.json()["user"]) == (201, "pending", name)


@pytest.mark.parametrize("terms", [{"covers_below": True}, {"may_reshare": True}, {"at_end": "copy"}])
def test_offer__of_more_than_one_row__is_refused(terms: Any, study: Study, alpha: Any, ana: Any) -> None:
    """Each row is shared by itself."""
    with pytest.raises(ShareRefused, match="by itself"):
        give(study, alpha, ana, **terms)


def test_share__with_a_namespace__is_refused(study: Study, alpha: Any, beta: Any, ben: Any) -> None:
    """Rows are private to the namespace's users."""
    with namespace_scope(alpha), acting(ben), pytest.raises(ShareRefused, match="users"):
        share(study, beta)


def test_offer__in_shared_mode__is_refused(study: Study, alpha: Any, ana: Any, settings: Any) -> None:
    """There everybody sees the rows."""
    settings.SMARTMODELS_OWNER_MODEL = None
    with pytest.raises(ShareRefused, match="namespaces"):
        give(study, alpha, ana)


@pytest.mark.parametrize("step", [accept, decline])
def test_answer__of_whose_row_it_is__is_not_permitted(step: Any, offer: Any, ben: Any) -> None:
    """It is for whom the row was offered to."""
    with acting(ben), pytest.raises(NotPermitted):
        step(offer)


@pytest.mark.parametrize("step", [revoke, lambda grant: change_terms(grant, role="manage")])
def test_change__of_whom_it_is_shared_with__is_not_permitted(
    step: Any, study: Study, alpha: Any, ana: Any
) -> None:
    """It is for whose row it is."""
    [grant] = give(study, alpha, ana)
    with acting(ana), pytest.raises(NotPermitted):
        step(grant)


# What the database keeps


def test_grant__to_a_user_and_a_namespace__is_refused(offer: Any, beta: Any) -> None:
    """It is given to one of both."""
    with pytest.raises(IntegrityError, match="to_one_of_both"), transaction.atomic():
        Grant.objects.create(
            resource=offer.resource, home=offer.home, user=offer.user, target=beta, status="revoked",
            target_slug="x", model="", row_id=offer.row_id,
        )  # fmt: skip


def test_grant__a_second_living_one__is_refused(offer: Any) -> None:
    """One lives for each row and user."""
    with pytest.raises(IntegrityError, match="one_living_user"), transaction.atomic():
        Grant.objects.create(
            resource=offer.resource, home=offer.home, user=offer.user, target_slug="x", model="",
            row_id=offer.row_id,
        )  # fmt: skip


def test_grant__to_whose_row_it_is__is_refused(offer: Any, ben: Any) -> None:
    """Whatever writes it."""
    with pytest.raises(GrantStateRefused, match="without a grant"), transaction.atomic():
        Grant.objects.create(
            resource=offer.resource, home=offer.home, user=ben, target_slug="x", model="",
            row_id=offer.row_id,
        )  # fmt: skip


def test_row__that_becomes_the_users_own__ends_the_grant(study: Study, alpha: Any, ana: Any) -> None:
    """Then no grant shows it."""
    [grant] = give(study, alpha, ana)
    with namespace_scope(alpha), operation(actor=Actor.command("hand")):
        Study.all_objects.filter(pk=study.pk).update(owner=ana)
    grant.refresh_from_db()
    assert grant.status == "revoked"


def test_member__who_leaves__loses_what_is_shared(study: Study, alpha: Any, vic: Any) -> None:
    """And does not get it back by coming back."""
    [grant] = give(study, alpha, vic)
    with operation(actor=Actor.command("member")):
        life.remove_member(alpha, vic)
    grant.refresh_from_db()
    assert grant.status == "revoked"


def test_event__of_a_grant_to_a_user__names_the_user(offer: Any, ana: Any) -> None:
    """By the key, which outlives the grant."""
    assert GrantEvent.objects.get(grant_id=offer.pk).to_user_id == ana.pk


# Read


@pytest.mark.parametrize(("scope", "expected"), [("all", ["A", "C"]), ("own", ["C"]), ("shared", ["A"])])
def test_visible_rows__in_private_mode__are_own_and_shared(
    scope: str, expected: list[str], study: Study, alpha: Any, ana: Any
) -> None:
    """Code sees what lists show."""
    give(study, alpha, ana)
    with namespace_scope(alpha), acting(ana):
        Study.objects.create(code="C")
        assert sorted(visible_rows(Study, scope).values_list("code", flat=True)) == expected


def test_objects__of_whom_a_row_is_shared_with__are_their_own(study: Study, alpha: Any, ana: Any) -> None:
    """What is shared is asked for: code that writes what it finds never meets it."""
    give(study, alpha, ana)
    with namespace_scope(alpha), acting(ana):
        assert not Study.objects.exists()


@pytest.mark.parametrize("asked", [{"scope": "shared"}, {"filter[where][code]": "A"}])
def test_list__narrowed__shows_the_shared_row(
    asked: dict[str, str], study: Study, alpha: Any, ana: Any, api_of: Any
) -> None:
    """By scope and by conditions."""
    give(study, alpha, ana)
    assert codes(api_of(ana, alpha), **asked) == ["A"]


def test_list__of_a_third_member__shows_nothing(
    study: Study, alpha: Any, ana: Any, vic: Any, api_of: Any
) -> None:
    """It is shared with one user alone."""
    give(study, alpha, ana)
    assert codes(api_of(vic, alpha)) == []


def test_list__in_shared_mode_again__shows_the_row_once(
    study: Study, alpha: Any, ana: Any, api_of: Any, settings: Any
) -> None:
    """Everybody's rows are seen then, without grants."""
    give(study, alpha, ana)
    settings.SMARTMODELS_OWNER_MODEL = None
    assert codes(api_of(ana, alpha)) == ["A"]


# Grants over REST


@pytest.mark.parametrize(("who", "count"), [("ana", 1), ("ben", 1), ("vic", 0)])
def test_grants__are_listed_for_both_sides_alone(
    who: str, count: int, offer: Any, alpha: Any, api_of: Any, request: Any
) -> None:
    """Whose row it is, and whom it is shared with."""
    api = api_of(request.getfixturevalue(who), alpha)
    assert [len(api.get(path).json()["results"]) for path in (GRANTS, f"{GRANTS}events/")] == [count, count]


def test_grant__of_a_plain_member__is_offered_accepted_and_revoked(
    study: Study, alpha: Any, ana: Any, ben: Any, api_of: Any
) -> None:
    """Over REST, by a member who manages nothing."""
    body = {"resource_type": "research.study", "resource_id": str(study.pk), "user": str(ana.pk)}
    made = api_of(ben, alpha).post(GRANTS, body).json()
    told = [api_of(ana, alpha).post(f"{GRANTS}{made['id']}/accept/").json()["status"]]
    told.append(api_of(ben, alpha).post(f"{GRANTS}{made['id']}/revoke/").json()["status"])
    assert told == ["active", "revoked"]


def test_offer__over_rest_of_anothers_row__finds_nothing(
    study: Study, alpha: Any, ana: Any, api_of: Any
) -> None:
    """The owner of the namespace does not see it."""
    body = {"resource_type": "research.study", "resource_id": str(study.pk), "user": "vic@example.org"}
    assert api_of(ana, alpha).post(GRANTS, body).status_code == 404


@pytest.mark.parametrize("named", [{}, {"namespace": "beta"}])
def test_offer__over_rest_without_a_user__is_refused(
    named: dict[str, str], study: Study, alpha: Any, ben: Any, api_of: Any
) -> None:
    """Bad input, not an error."""
    body = {"resource_type": "research.study", "resource_id": str(study.pk), **named}
    assert api_of(ben, alpha).post(GRANTS, body).status_code == 400


# Role by verb

STATES = ("view", "edit", "manage", "pending", "declined", "revoked", "left", "expired", "suspended", "none")
DONE = {
    "detail": {"view": 200, "edit": 200, "manage": 200},
    "patch": {"view": 403, "edit": 200, "manage": 200},
    "put": {"view": 403, "edit": 200, "manage": 200},
    "delete": {"view": 403, "edit": 403, "manage": 204},
}
"""What each verb answers by how the row is shared; 404 elsewhere."""


def in_state(state: str, study: Study, namespace: Any, user: Any, owner: Any) -> None:
    """Share the study with the user so that the grant is in this state."""
    if state == "none":
        return
    role = state if state in ("view", "edit", "manage") else "manage"
    if state in ("pending", "declined"):
        with namespace_scope(namespace), acting(owner):
            [grant] = share_with_users([study], [user], role=role)
    else:
        [grant] = give(study, namespace, user, role=role)
    steps = {"declined": (decline, user), "left": (leave, user), "revoked": (revoke, owner)}
    if state in steps:
        step, who = steps[state]
        with acting(who):
            step(grant)
    elif state == "expired":
        Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now())
    elif state == "suspended":
        Grant.objects.filter(pk=grant.pk).update(status="suspended")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", sorted(DONE))
def test_verb__by_how_the_row_is_shared__answers_as_the_table_says(
    verb: str, state: str, study: Study, alpha: Any, ana: Any, ben: Any, api_of: Any
) -> None:
    """A member who owns nothing in it."""
    Membership.objects.filter(namespace=alpha, user=ana).update(role="member")
    in_state(state, study, alpha, ana, ben)
    path, api = f"{STUDIES}{study.pk}/", api_of(ana, alpha)
    said = {
        "detail": lambda: api.get(path),
        "patch": lambda: api.patch(path, {"title": "After"}),
        "put": lambda: api.put(path, {"code": "A", "title": "After"}),
        "delete": lambda: api.delete(path),
    }[verb]()
    assert said.status_code == DONE[verb].get(state, 404), said.content


@pytest.mark.parametrize("verb", ["patch", "delete"])
def test_write__of_a_viewer_of_the_namespace__is_forbidden(
    verb: str, study: Study, alpha: Any, vic: Any, api_of: Any
) -> None:
    """A grant gives no more than the role in the namespace does."""
    give(study, alpha, vic, role="manage")
    api, path = api_of(vic, alpha), f"{STUDIES}{study.pk}/"
    said = api.patch(path, {"title": "After"}) if verb == "patch" else api.delete(path)
    assert said.status_code == 403


def test_write__through_a_grant__says_so_in_the_history(
    study: Study, alpha: Any, ana: Any, api_of: Any
) -> None:
    """One version, by the grant; the row stays whose it is."""
    [grant] = give(study, alpha, ana, role="edit")
    api_of(ana, alpha).patch(f"{STUDIES}{study.pk}/", {"title": "After"})
    with namespace_scope(alpha), operation(actor=Actor.system(), nested=False):
        last = study.history.first()
        owner = Study.objects.get(pk=study.pk).owner_id
    assert (last.title, last.via_grant, owner) == ("After", grant.pk, study.owner_id)


def test_member_leaves_a_row__by_the_grant__is_not_seen_again(
    study: Study, alpha: Any, ana: Any, api_of: Any
) -> None:
    """From the next request on."""
    [grant] = give(study, alpha, ana)
    assert (api_of(ana, alpha).post(f"{GRANTS}{grant.pk}/leave/").status_code, codes(api_of(ana, alpha))) == (
        200,
        [],
    )


@pytest.fixture
def _code_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others see the code of a study, and no more."""
    monkeypatch.setattr(Study, "smart", replace(Study.smart, view_fields=("code",)))


@pytest.mark.usefixtures("_code_alone")
def test_detail__with_view_fields__shows_these_alone(study: Study, alpha: Any, ana: Any, api_of: Any) -> None:
    """The owner of a row shares what the model shows to others."""
    give(study, alpha, ana)
    assert "title" not in api_of(ana, alpha).get(f"{STUDIES}{study.pk}/").json()


@pytest.mark.usefixtures("_code_alone")
def test_list__ordered_by_what_is_not_shown__is_refused(
    study: Study, alpha: Any, ana: Any, api_of: Any
) -> None:
    """By the order it could be guessed."""
    give(study, alpha, ana)
    assert api_of(ana, alpha).get(STUDIES, **{"filter[order]": "title"}).status_code == 400


# The command


def test_command__user__shares_at_once(study: Study, ana: Any) -> None:
    """The operator speaks for both sides."""
    call_command("share", "grant", "alpha", "research.study", str(study.pk), "--user", ana.email, "--json")
    assert list(Grant.objects.values_list("user", "status")) == [(ana.pk, "active")]


def test_command__no_member__is_refused(study: Study, bea: Any) -> None:
    """The operator may know."""
    with pytest.raises(CommandError, match="no member"):
        call_command("share", "grant", "alpha", "research.study", str(study.pk), "--user", bea.email)
