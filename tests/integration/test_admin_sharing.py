"""The pages about sharing: what comes in, what goes out, who sees a row, and the policy."""

from typing import Any

import pytest

from shared_apps.sharing.models import Grant, SharingPolicy
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.sharing import revoke, share
from tenant_apps.research.models import Study


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="PAL0708")
    return made


@pytest.fixture
def grant(study: Study, alpha: Any, beta: Any, ana: Any) -> Any:
    """Ana's offer of it to beta."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        return share(study, beta)


def post(client: Any, page: str, **data: Any) -> Any:
    """Press a button of a page, and look at the page that comes then."""
    return client.post(f"/admin/sharing/{page}", data, follow=True)


@pytest.mark.parametrize(("button", "status"), [("accept", "active"), ("decline", "declined")])
def test_inbox__button__answers_the_offer(
    grant: Any, beta: Any, bea: Any, client_of: Any, button: str, status: str
) -> None:
    """An offer is answered by one click."""
    client = client_of(bea, beta)
    assert "PAL0708" in client.get("/admin/sharing/").text
    answer = post(client, "", do=button, grant=grant.pk)
    grant.refresh_from_db()
    assert (answer.status_code, grant.status) == (200, status)


def test_inbox__after_giving_it_back__says_no_title(grant: Any, beta: Any, bea: Any, client_of: Any) -> None:
    """What is not visible any more is not named any more; what happened is."""
    client = client_of(bea, beta)
    post(client, "", do="accept", grant=grant.pk)
    page = post(client, "", do="leave", grant=grant.pk).text
    assert ("PAL0708" in page, "given back" in page, "ana@" in page) == (False, True, False)


def test_inbox__what_has_ended__comes_last_and_says_when(
    grant: Any, alpha: Any, beta: Any, ana: Any, bea: Any, client_of: Any
) -> None:
    """What waits for an answer is seen first, however much was taken back since."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        revoke(share(Study.objects.create(code="PAL0809"), beta))
    page = client_of(bea, beta).get("/admin/sharing/").text
    assert (page.index("pending") < page.index("revoked"), "no end" in page) == (True, False)


def test_outbox__take_back__revokes(grant: Any, alpha: Any, ana: Any, client_of: Any) -> None:
    """The row is not visible there from then on."""
    post(client_of(ana, alpha), "out/", do="revoke", grant=grant.pk)
    grant.refresh_from_db()
    assert grant.status == "revoked"


def test_outbox__of_the_other_side__knows_no_such_grant(
    grant: Any, beta: Any, bea: Any, client_of: Any
) -> None:
    """Nobody takes back what others share."""
    assert post(client_of(bea, beta), "", do="revoke", grant=grant.pk).status_code == 404
    assert post(client_of(bea, beta), "out/", do="odd", grant="7").status_code == 404


def test_grant_page__saved__extends_it(grant: Any, alpha: Any, ana: Any, client_of: Any) -> None:
    """Terms are changed at home, and the page tells what happened."""
    page = post(client_of(ana, alpha), f"grants/{grant.pk}/", role="edit", expires_at="2999-01-01 00:00")
    grant.refresh_from_db()
    assert (grant.role, grant.expires_at.year, "terms changed" in page.text) == ("edit", 2999, True)


def test_row_page__shared__offers_it(study: Study, alpha: Any, beta: Any, ana: Any, client_of: Any) -> None:
    """From the page of the row, with the name of the other one."""
    client = client_of(ana, alpha)
    form = client.get(f"/admin/research/study/{study.pk}/change/").text
    address = f"/admin/sharing/rows/research.study/{study.pk}/"
    assert address in form
    wish = {"namespace": "beta", "role": "view", "history": "none", "at_end": "none"}
    page = client.post(address, wish, follow=True)
    assert ("beta" in page.text, Grant.objects.get().status) == (True, "pending")


def test_row_page__in_the_past__says_what_is_wrong(
    study: Study, alpha: Any, ana: Any, client_of: Any
) -> None:
    """Refusals stand at their field."""
    wish = {
        "namespace": "beta", "role": "view", "history": "none", "at_end": "none", "expires_at": "2020-01-01",
    }  # fmt: skip
    answer = client_of(ana, alpha).post(f"/admin/sharing/rows/research.study/{study.pk}/", wish)
    assert (answer.status_code, "cannot end in the past" in answer.text) == (400, True)


def test_row_page__for_a_viewer__has_no_form(
    grant: Any, study: Study, alpha: Any, vic: Any, client_of: Any
) -> None:
    """Everybody may know who sees a row; admins share it."""
    client, address = client_of(vic, alpha), f"/admin/sharing/rows/research.study/{study.pk}/"
    page = client.get(address).text
    assert ("beta" in page, "share_form" in page, "Take back" in page) == (True, False, False)
    assert client.post(address, {"do": "revoke", "grant": grant.pk}).status_code == 403


def test_policy_page__saved__is_kept(alpha: Any, ana: Any, client_of: Any) -> None:
    """One name to a line."""
    wish = {"outbound": "off", "inbound": "auto", "partners": "beta\ngamma", "highest_role": "edit"}
    assert post(client_of(ana, alpha), "policy/", **wish).status_code == 200
    policy = SharingPolicy.objects.get(namespace=alpha)
    assert (policy.outbound, policy.partners, policy.default_days) == ("off", ["beta", "gamma"], None)


@pytest.mark.parametrize("page", ["", "out/", "policy/"])
def test_pages__for_members__are_refused(alpha: Any, ben: Any, client_of: Any, page: str) -> None:
    """Sharing is for those who manage the namespace."""
    assert client_of(ben, alpha).get(f"/admin/sharing/{page}").status_code == 403
