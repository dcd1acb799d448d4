"""The pages of smartmodels.views: what they show, what they change, and to whom."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import timeline
from tenant_apps.research.models import Observation, Specimen, Study
from tests.zoo.models import Keeper, Tag

Client = Callable[..., Any]
LIST = "/research/studies/"
PAGES = ["", "add/", "deleted/", "{pk}/", "{pk}/edit/", "{pk}/delete/", "{pk}/history/"]
CHANGES = ["add/", "{pk}/edit/", "{pk}/delete/"]


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study of ana in alpha, with an animal."""
    row: Study = Study.objects.create(code="PAL0708", title="Adelie", island="Torgersen")
    Specimen.objects.create(study=row, number=1, individual="N1A1", species="Adelie")
    return row


@pytest.fixture
def of_ben(alpha: Any, ben: Any) -> Study:
    """A study of ben in alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        row: Study = Study.objects.create(code="BEN")
    return row


def filled(**values: str) -> dict[str, str]:
    """The form of a study as a browser sends it."""
    return {"code": "PAL0809", "title": "", "region": "", "island": "", "notes": "", **values}


@pytest.mark.parametrize("page", PAGES)
def test_page__member__is_shown(client_of: Client, ana: Any, alpha: Any, study: Study, page: str) -> None:
    """Every page of a model is there."""
    assert client_of(ana, alpha).get(LIST + page.format(pk=study.pk)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_page__nobody__is_sent_to_log_in(client_of: Client, alpha: Any, study: Study, page: str) -> None:
    """And comes back here afterwards."""
    address = LIST + page.format(pk=study.pk)
    answer = client_of(None, alpha).get(address)
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={address}")


def test_page__member_of_another_namespace__is_sent_to_log_in(
    client_of: Client, bea: Any, alpha: Any, study: Study
) -> None:
    """Who is no member is nobody."""
    assert client_of(bea, alpha).get(LIST).status_code == 302


@pytest.mark.parametrize("page", CHANGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_change__viewer__is_refused(
    client_of: Client, vic: Any, alpha: Any, study: Study, page: str, method: str
) -> None:
    """Viewers read; the page says so."""
    answer = getattr(client_of(vic, alpha), method)(LIST + page.format(pk=study.pk), filled())
    assert (answer.status_code, b"Your role in this namespace" in answer.content) == (403, True)


@pytest.mark.parametrize("page", CHANGES[1:])
def test_change__row_of_somebody_else__is_refused(
    client_of: Client, ben: Any, alpha: Any, study: Study, page: str
) -> None:
    """Members change their own."""
    answer = client_of(ben, alpha).post(LIST + page.format(pk=study.pk), filled())
    study.refresh_from_db()
    assert (answer.status_code, study.code) == (403, "PAL0708")


def test_change__owner_of_the_namespace__changes_rows_of_members(
    client_of: Client, ana: Any, alpha: Any, of_ben: Study
) -> None:
    """Owners and admins change everybody's, who keep what is theirs."""
    client_of(ana, alpha).post(f"{LIST}{of_ben.pk}/edit/", filled(code="X"))
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        row = Study.objects.get(pk=of_ben.pk)
        assert (row.code, row.owner_id, row.updated_by_id) == ("X", of_ben.owner_id, ana.pk)


@pytest.mark.parametrize("page", [page for page in PAGES if "{pk}" in page])
def test_page__row_of_another_namespace__is_not_found(
    client_of: Client, ben: Any, beta: Any, study: Study, page: str
) -> None:
    """Not even by somebody who is a member of both."""
    assert client_of(ben, beta).get(LIST + page.format(pk=study.pk)).status_code == 404


@pytest.mark.parametrize("page", ["", "deleted/", "{pk}/", "{pk}/history/"])
def test_page_to_read__posted_to__is_no_method(
    client_of: Client, ana: Any, alpha: Any, study: Study, page: str
) -> None:
    """Only pages that change something take a POST."""
    assert client_of(ana, alpha).post(LIST + page.format(pk=study.pk)).status_code == 405


def test_pages_that_change__looked_at__change_nothing(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """GET is safe."""
    before = timeline(Study, study.pk).count()
    for page in CHANGES:
        client_of(ana, alpha).get(LIST + page.format(pk=study.pk))
    assert (timeline(Study, study.pk).count(), Study.objects.count()) == (before, 1)


def test_post__without_the_token_of_the_form__is_refused(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """No other site posts in somebody's name."""
    client = client_of(ana, alpha)
    client.handler.enforce_csrf_checks = True
    assert client.post(f"{LIST}{study.pk}/delete/").status_code == 403


# Adding and editing


def test_add__form_filled_in__makes_a_row_of_the_actor(client_of: Client, ben: Any, alpha: Any) -> None:
    """Owner, author and operation come from the request, whatever is posted; a message says so."""
    posted = filled(owner="1", created_by="1", deleted_at="2020-01-01", id="1")
    answer = client_of(ben, alpha).post(f"{LIST}add/", posted, follow=True)
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        row = Study.objects.get(code="PAL0809")
        assert (row.owner_id, row.created_by_id, row.deleted_at) == (ben.pk, ben.pk, None)
    assert answer.redirect_chain == [(f"{LIST}{row.pk}/", 302)]
    assert "Added: PAL0809." in answer.content.decode()


def test_add__value_is_taken__is_said_beside_the_form(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """What is wrong is a 400 with the model's own words."""
    answer = client_of(ana, alpha).post(f"{LIST}add/", filled(code="PAL0708", island="Torgersen"))
    assert (answer.status_code, "Another study" in answer.content.decode()) == (400, True)


@pytest.mark.parametrize("junk", ["\x00", "x" * 21, ""])
def test_add__unusable_value__is_a_400(client_of: Client, ana: Any, alpha: Any, junk: str) -> None:
    """Bad input is never a 500."""
    assert client_of(ana, alpha).post(f"{LIST}add/", filled(code=junk)).status_code == 400


def test_edit__nothing_changed__writes_no_version(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """Saving what is there already is no change."""
    same = filled(code="PAL0708", title="Adelie", island="Torgersen")
    client_of(ana, alpha).post(f"{LIST}{study.pk}/edit/", same)
    assert timeline(Study, study.pk).count() == 1


def test_edit__changed_meanwhile__is_refused_once(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """Nobody overwrites what they did not see."""
    seen = study.updated_at.isoformat()
    study.title = "Chinstrap"
    study.save()
    answer = client_of(ana, alpha).post(f"{LIST}{study.pk}/edit/", filled(seen=seen))
    assert (answer.status_code, "somebody changed this row" in answer.content.decode()) == (400, True)


# Deleting and restoring


def test_delete__page_before__says_what_goes_along(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """The study and its animal."""
    page = client_of(ana, alpha).get(f"{LIST}{study.pk}/delete/").content.decode()
    assert ("<li>1 study</li>" in page, "<li>1 specimen</li>" in page) == (True, True)


def test_delete__confirmed__is_soft_and_keeps_the_reason(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """History knows why."""
    client_of(ana, alpha).post(f"{LIST}{study.pk}/delete/", {"reason": "typed twice"})
    newest: Any = timeline(Study, study.pk).first()
    assert (newest.action, newest.history_change_reason) == ("soft_delete", "typed twice")


def test_delete__rows_of_others_would_go__is_refused(
    client_of: Client, ana: Any, ben: Any, alpha: Any, of_ben: Study
) -> None:
    """A member deletes nothing of others on the way."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Specimen.objects.create(study=of_ben, number=1, individual="N1", species="Adelie")
    answer = client_of(ben, alpha).post(f"{LIST}{of_ben.pk}/delete/")
    assert (answer.status_code, "specimens of other people" in answer.content.decode()) == (403, True)


def test_restore__deleted_row__is_back_with_what_went_along(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """The exact inverse."""
    client = client_of(ana, alpha)
    client.post(f"{LIST}{study.pk}/delete/")
    assert f"{LIST}{study.pk}/restore/" in client.get(f"{LIST}deleted/").content.decode()
    answer = client.post(f"{LIST}{study.pk}/restore/", follow=True)
    assert (Study.objects.count(), Specimen.objects.count()) == (1, 1)
    assert "Restored: PAL0708 Torgersen (2 rows)." in answer.content.decode()


def test_restore__value_is_taken_meanwhile__is_refused_with_the_reason(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """The page says it before, and the POST is a 409."""
    study.delete()
    Study.objects.create(code="PAL0708", island="Torgersen")
    client = client_of(ana, alpha)
    before, answer = (getattr(client, method)(f"{LIST}{study.pk}/restore/") for method in ("get", "post"))
    assert (before.status_code, b"Yes, restore" in before.content, answer.status_code) == (200, False, 409)


def test_restore__living_row__is_not_found(client_of: Client, ana: Any, alpha: Any, study: Study) -> None:
    """There is nothing to bring back."""
    assert client_of(ana, alpha).post(f"{LIST}{study.pk}/restore/").status_code == 404


def test_history__of_a_changed_row__shows_old_and_new(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """Who, what and when; also once it is deleted."""
    study.title = "Chinstrap"
    study.save()
    study.delete()
    page = client_of(ana, alpha).get(f"{LIST}{study.pk}/history/").content.decode()
    assert "Title: Adelie &rarr; Chinstrap" in page
    assert (ana.email in page, "Deleted" in page) == (True, True)


def test_detail__value_with_markup__is_escaped(client_of: Client, ana: Any, alpha: Any, study: Study) -> None:
    """A value is text."""
    study.title = "<script>alert(1)</script>"
    study.save()
    for page in ("", f"{study.pk}/", f"{study.pk}/history/", f"{study.pk}/edit/"):
        assert "<script>alert" not in client_of(ana, alpha).get(LIST + page).content.decode()


# Lists


def test_list__more_rows_than_a_page__is_bounded(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """A page has as many rows as the setting says; what is no page is not found."""
    Study.objects.bulk_create([Study(code=f"S{number}") for number in range(5)])
    with override_settings(SMARTMODELS_PAGE_SIZE=4):
        client = client_of(ana, alpha)
        pages = [client.get(LIST, {"page": number}) for number in (1, 2, 3, "x")]
    assert [page.status_code for page in pages] == [200, 200, 404, 404]
    assert [page.content.decode().count('<th scope="row">') for page in pages[:2]] == [4, 2]


@pytest.mark.parametrize("kind", ["specimens/", "observations/", "specimens/deleted/"])
def test_list__more_rows__costs_no_more_queries(
    client_of: Client, ana: Any, alpha: Any, study: Study, kind: str
) -> None:
    """Flat, with the rows that they belong to."""
    client, counts = client_of(ana, alpha), []
    for number in (2, 12):
        for each in range(number):
            at = {"study": study, "species": "x", "individual": f"A{each}", "number": 100 * number + each}
            specimen = Specimen.objects.create(**at)
            Observation.objects.create(specimen=specimen, body_mass_g=each)
            Specimen.objects.create(**{**at, "species": "y"}).delete()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"/research/{kind}").status_code == 200
        counts.append(len(queries))
    assert (counts[0] == counts[1], counts[1] <= 8) == (True, True), counts


def test_history__more_versions__costs_no_more_queries(
    client_of: Client, ana: Any, alpha: Any, study: Study
) -> None:
    """However often a row was changed."""
    client, counts = client_of(ana, alpha), []
    for number in (2, 12):
        for each in range(number):
            study.title = f"{number} {each}"
            study.save()
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{LIST}{study.pk}/history/")
        counts.append(len(queries))
    assert (counts[0] == counts[1], counts[1] <= 8) == (True, True), counts


def test_home__member__leads_to_the_lists(client_of: Client, ana: Any, alpha: Any) -> None:
    """Pages are found from the front page; visitors see none."""
    shown = [LIST in client_of(who, alpha).get("/").content.decode() for who in (ana, None)]
    assert shown == [True, False]


# Variants


@pytest.fixture
def keepers(alpha: Any, ana: Any, ben: Any) -> dict[str, Keeper]:
    """A keeper of ana, and one of ben."""
    made = {}
    for who in (ana, ben):
        with namespace_scope(alpha), operation(actor=Actor.user(who)):
            made[who.email[:3]] = Keeper.objects.create(name=f"keeper of {who.email[:3]}")
    return made


@pytest.fixture
def pages() -> Any:
    """Serve the pages of tests/support/row_pages.py."""
    with override_settings(ROOT_URLCONF="tests.support.row_pages"):
        yield


@pytest.mark.parametrize("page", ["{pk}/", "{pk}/history/", "{pk}/edit/", "{pk}/delete/"])
def test_own_rows__row_of_somebody_else__is_not_found(
    client_of: Client, ana: Any, alpha: Any, keepers: Any, pages: None, page: str
) -> None:
    """Not even by the owner of the namespace."""
    client = client_of(ana, alpha)
    found = [client.get(f"/mine/keepers/{page.format(pk=keepers[name].pk)}").status_code for name in keepers]
    assert found == [200, 404]


def test_own_rows__list__has_no_others(
    client_of: Client, ana: Any, alpha: Any, keepers: Any, pages: None
) -> None:
    """Mine are mine, also among the deleted."""
    client = client_of(ana, alpha)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Keeper.objects.create(name="deleted of ana").delete()
    with namespace_scope(alpha), operation(actor=Actor.user(keepers["ben"].owner)):
        Keeper.objects.create(name="deleted of ben").delete()
    lists = [client.get(f"/mine/keepers/{page}").content.decode() for page in ("", "deleted/")]
    assert [("of ana" in text, "of ben" in text) for text in lists] == [(True, False)] * 2


def test_namespace_rows__row_of_somebody_else__is_changed_by_a_member(
    client_of: Client, ben: Any, vic: Any, alpha: Any, keepers: Any, pages: None
) -> None:
    """Ours are everybody's who writes; a viewer still reads."""
    address = f"/ours/keepers/{keepers['ana'].pk}/edit/"
    answers = [client_of(who, alpha).post(address, {"name": "ours"}).status_code for who in (ben, vic)]
    assert answers == [302, 403]


def test_read_only__pages_of_a_model__are_those_to_read(
    client_of: Client, ana: Any, alpha: Any, in_alpha: Any, pages: None
) -> None:
    """What is not served is not linked either."""
    tag = Tag.objects.create(label="shy")
    client = client_of(ana, alpha)
    found = [client.get(f"/look/tags/{page}") for page in ("", "add/", f"{tag.pk}/", f"{tag.pk}/edit/")]
    assert [answer.status_code for answer in found] == [200, 404, 200, 404]
    assert "/edit/" not in found[2].content.decode()


@pytest.mark.parametrize(
    ("address", "said"),
    [("/research/nothing/", "/research/nothing/"), (LIST + "00000000-0000-7000-8000-000000000000/", "study")],
)
def test_page__that_is_not_there__is_answered_in_the_look_of_the_product(
    client_of: Client, alpha: Any, ana: Any, address: str, said: str
) -> None:
    """With a way out, and never Django's bare one."""
    answer = client_of(ana, alpha).get(address)
    text = answer.content.decode()
    assert (answer.status_code, "There is no such page" in text, said in text) == (404, True, True)
