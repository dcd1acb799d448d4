"""The history of a row in the admin: look, compare, revert; and that looking is all a viewer can do."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import Client, RequestFactory
from django.utils.html import strip_tags
from simple_history.admin import SimpleHistoryAdmin

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.admin import namespace_site
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import HistoryReadOnly
from tenant_apps.research.models import Specimen, Study
from tests.support.clients import host_of
from tests.zoo.models import Animal, Enclosure, Tag

VALUES = {"code": "STOLEN", "title": "stolen", "region": "", "island": "", "notes": ""}


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study of ana's with two versions: titled "first", then "second"."""
    row = Study.objects.create(code="PAL0708", island="Biscoe", title="first")
    row.title = "second"
    row.save()
    return row


@pytest.fixture
def versions(study: Study) -> list[Any]:
    """Its versions, oldest first."""
    return list(study.history.order_by("history_id"))


@pytest.fixture
def address(study: Study) -> str:
    return f"/admin/research/study/{study.pk}/history/"


def title_of(study: Study) -> str:
    study.refresh_from_db()
    return study.title


# What the stock admin does


def test_stock_admin__viewer_posts_to_a_version__reaches_the_row_and_is_refused_there(
    vic: User, study: Study, versions: Any
) -> None:
    """django-simple-history 3.13 saves what a viewer posts; the row refuses to be written as of a version."""
    stock = SimpleHistoryAdmin(Study, admin.AdminSite())
    request = RequestFactory().post("/", VALUES)
    request.user, request.session = vic, {}
    request._messages = FallbackStorage(request)
    with pytest.raises(HistoryReadOnly):
        stock.history_form_view(request, str(study.pk), str(versions[0].pk))


@pytest.mark.parametrize("page", ["{version}/", "{version}/revert/"])
def test_version__viewer_posts__is_forbidden(
    client_of: Any, vic: User, alpha: Namespace, address: str, versions: Any, page: str
) -> None:
    """A viewer may not revert."""
    response = client_of(vic, alpha).post(address + page.format(version=versions[0].pk), VALUES)
    assert response.status_code == 403


@pytest.mark.parametrize("page", ["{version}/", "{version}/revert/"])
def test_version__viewer_posts__changes_neither_row_nor_history(
    client_of: Any, vic: User, alpha: Namespace, study: Study, address: str, versions: Any, page: str
) -> None:
    """Whatever a viewer posts, the row and its history stay as they are."""
    client_of(vic, alpha).post(address + page.format(version=versions[0].pk), VALUES)
    assert (title_of(study), study.history.count()) == ("second", 2)


def test_version__member_posts_on_the_row_of_another__is_forbidden(
    client_of: Any, ben: User, alpha: Namespace, address: str, versions: Any
) -> None:
    """A member changes, and so reverts, their own rows only."""
    assert client_of(ben, alpha).post(f"{address}{versions[0].pk}/", VALUES).status_code == 403


def test_version__member_posts_on_their_own_row__reverts(
    client_of: Any, ben: User, alpha: Namespace, in_alpha: Any
) -> None:
    """A member may revert what they own."""
    with operation(actor=Actor.user(ben)):
        row = Study.objects.create(code="BEN", title="first")
        row.title = "second"
        row.save()
    first = row.history.order_by("history_id").first()
    client_of(ben, alpha).post(f"/admin/research/study/{row.pk}/history/{first.pk}/")
    assert title_of(row) == "first"


@pytest.mark.parametrize("page", ["{version}/", "{version}/revert/"])
def test_version__owner_posts_values__takes_the_versions_and_not_the_posted(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any, page: str
) -> None:
    """A revert writes what the version says; posted values count for nothing."""
    client_of(ana, alpha).post(address + page.format(version=versions[0].pk), VALUES)
    study.refresh_from_db()
    assert (study.title, study.code, study.island) == ("first", "PAL0708", "Biscoe")


@pytest.mark.parametrize("field", ["owner", "created_by", "deleted_at", "former_owner_id"])
def test_version__owner_posts_smart_fields__leaves_them(
    client_of: Any,
    ana: User,
    ben: User,
    alpha: Namespace,
    study: Study,
    address: str,
    versions: Any,
    field: str,
) -> None:
    """Owner, author and deletion cannot be reached by a revert."""
    before = {"owner": ana.pk, "created_by": ana.pk, "deleted_at": None, "former_owner_id": None}
    posted = {"deleted_at": "2020-01-01"}.get(field, ben.pk)
    client_of(ana, alpha).post(f"{address}{versions[0].pk}/", {field: posted})
    study.refresh_from_db()
    assert getattr(study, study._meta.get_field(field).attname) == before[field]


def test_version__without_csrf_token__is_refused(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """A revert cannot be forged by another site."""
    client = Client(enforce_csrf_checks=True, headers={"host": host_of(alpha)})
    client.cookies = client_of(ana, alpha).cookies
    client.post(f"{address}{versions[0].pk}/revert/")
    assert title_of(study) == "second"


# Reverting


def test_revert__confirmed__is_a_version_with_action_reason_and_actor(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """A revert is told as such: by whom, why, and to which version."""
    client_of(ana, alpha).post(f"{address}{versions[0].pk}/revert/", {"reason": "typo"})
    newest = study.history.first()
    told = (newest.action, newest.history_change_reason, newest.actor_label, newest.reverted_from)
    assert told == ("revert", "typo", ana.email, versions[0].pk)


def test_revert__previewed__writes_nothing(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """Looking at a preview changes nothing."""
    client_of(ana, alpha).get(f"{address}{versions[0].pk}/revert/")
    assert (title_of(study), study.history.count()) == ("second", 2)


def test_revert__previewed__shows_the_change(
    client_of: Any, ana: User, alpha: Namespace, address: str, versions: Any
) -> None:
    """The preview says what would become what."""
    change = client_of(ana, alpha).get(f"{address}{versions[0].pk}/revert/").context["changes"][0]
    assert (change.label, change.old, change.new) == ("Title", "second", "first")


def test_revert__row_changed_since_the_preview__is_refused(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """What was not in the preview is not overwritten."""
    client = client_of(ana, alpha)
    base = client.get(f"{address}{versions[0].pk}/revert/").context["plan"].base
    study.notes = "written meanwhile"
    study.save()
    response = client.post(f"{address}{versions[0].pk}/revert/", {"base": base})
    assert (response.status_code, title_of(study)) == (409, "second")


def test_revert__value_taken_by_another_row__is_a_conflict(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """A revert that would break uniqueness says so instead of failing."""
    study.code = "OTHER"
    study.save()
    Study.objects.create(code="PAL0708", island="Biscoe")
    response = client_of(ana, alpha).post(f"{address}{versions[0].pk}/revert/")
    assert (response.status_code, len(response.context["plan"].conflicts)) == (409, 1)


def test_revert__to_the_present_state__changes_nothing(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """Reverting to what is there already makes no version."""
    client_of(ana, alpha).post(f"{address}{versions[1].pk}/revert/")
    assert study.history.count() == 2


def test_revert__reason_too_long__is_a_message(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """An unusable reason is refused before anything is written."""
    response = client_of(ana, alpha).post(f"{address}{versions[0].pk}/revert/", {"reason": "x" * 501})
    assert (response.status_code, title_of(study)) == (400, "second")


def test_revert__version_of_another_row__is_not_found(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str
) -> None:
    """A version can be applied to its own row only."""
    other = Study.objects.create(code="OTHER").history.get()
    assert client_of(ana, alpha).post(f"{address}{other.pk}/").status_code == 404


def test_revert__of_a_deleted_row__brings_it_back(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """Reverting to a version from before the deletion restores the row."""
    study.delete()
    client_of(ana, alpha).post(f"{address}{versions[0].pk}/revert/")
    row = Study.objects.get(pk=study.pk)
    assert (row.title, row.owner_id) == ("first", ana.pk)


def test_revert__of_a_purged_row__is_not_found(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """What was removed for good does not come back."""
    study.purge()
    assert client_of(ana, alpha).post(f"{address}{versions[0].pk}/revert/").status_code == 404


# Looking


@pytest.mark.parametrize("page", ["", "{0}/", "compare/?older={0}&newer={1}"])
def test_page__viewer__may_look(
    client_of: Any, vic: User, alpha: Namespace, address: str, versions: Any, page: str
) -> None:
    """A viewer reads the history."""
    keys = [version.pk for version in versions]
    assert client_of(vic, alpha).get(address + page.format(*keys)).status_code == 200


def test_version__viewer__is_offered_no_revert(
    client_of: Any, vic: User, alpha: Namespace, address: str, versions: Any
) -> None:
    """Nothing is offered that would be refused."""
    assert b"/revert/" not in client_of(vic, alpha).get(f"{address}{versions[0].pk}/").content


def test_history__names_what_changed(client_of: Any, ana: User, alpha: Namespace, address: str) -> None:
    """Each version names the fields that it changed."""
    shown = client_of(ana, alpha).get(address).context["versions"]
    assert [(version.ordinal, version.changes) for version in shown] == [(2, ["title"]), (1, [])]


def test_history__label_of_a_renamed_account__stays(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str
) -> None:
    """Who changed something is kept as it was said then."""
    type(ana).objects.filter(pk=ana.pk).update(email="anna@example.org")
    shown = client_of(ana, alpha).get(address).context["versions"]
    assert {version.actor_label for version in shown} == {"ana@example.org"}


def test_history__62_versions__takes_at_most_15_queries(
    client_of: Any,
    ana: User,
    alpha: Namespace,
    study: Study,
    address: str,
    django_assert_max_num_queries: Any,
) -> None:
    """A long history costs no more than a short one."""
    for number in range(60):
        Study.objects.filter(pk=study.pk).update(title=f"title {number}")
    client = client_of(ana, alpha)
    with django_assert_max_num_queries(15):
        response = client.get(address)
    assert len(response.context["versions"]) == 62


def test_history__of_a_deleted_row__offers_to_restore_it(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str
) -> None:
    """A deleted row keeps its page."""
    study.delete()
    assert f"/admin/research/study/{study.pk}/restore/".encode() in client_of(ana, alpha).get(address).content


def test_history__of_a_purged_row__is_still_told(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str
) -> None:
    """What was removed for good leaves its history."""
    study.purge()
    assert client_of(ana, alpha).get(address).context["purged"] is True


def test_compare__versions_given_in_the_wrong_order__shows_older_first(
    client_of: Any, ana: User, alpha: Namespace, address: str, versions: Any
) -> None:
    """Which is older follows from the versions."""
    query = f"compare/?older={versions[1].pk}&newer={versions[0].pk}"
    change = client_of(ana, alpha).get(address + query).context["changes"][0]
    assert (change.old, change.new) == ("first", "second")


def test_compare__foreign_key__is_shown_by_name(
    client_of: Any, ana: User, alpha: Namespace, in_alpha: Any
) -> None:
    """People read names, not keys."""
    studies = [Study.objects.create(code=code) for code in ("ONE", "TWO")]
    row = Specimen.objects.create(study=studies[0], number=1, individual="N1", species="Adelie")
    row.study = studies[1]
    row.save()
    newer, older = row.history.all()
    query = f"/admin/research/specimen/{row.pk}/history/compare/?older={older.pk}&newer={newer.pk}"
    change = client_of(ana, alpha).get(query).context["changes"][0]
    assert (change.old, change.new) == ("ONE", "TWO")


def test_values__with_markup__are_escaped(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """What people write is shown as text."""
    study.title = "<script>alert(1)</script>"
    study.save()
    page = client_of(ana, alpha).get(f"{address}{versions[0].pk}/revert/").content
    assert b"<script>alert" not in page


BAD = ("0", "-1", "x", "9" * 40, "%00", "1e3", "1.0", "%F0%9F%90%A7", "..", " ")


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("page", ["{bad}/", "{bad}/revert/", "compare/?older={bad}&newer={good}"])
def test_page__malformed_version__is_refused(
    client_of: Any, ana: User, alpha: Namespace, address: str, versions: Any, page: str, bad: str
) -> None:
    """A version that is none is not found; a NUL is no text at all."""
    where = address + page.format(bad=bad, good=versions[0].pk)
    assert client_of(ana, alpha).get(where).status_code in (400, 404)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("page", ["history/", "history/1/", "history/1/revert/", "restore/", "change/"])
def test_page__malformed_key__is_refused(
    client_of: Any, ana: User, alpha: Namespace, page: str, bad: str
) -> None:
    """A key that is none is not found."""
    status = client_of(ana, alpha).get(f"/admin/research/study/{bad}/{page}").status_code
    assert status in (302, 400, 404)


def test_history__namespace_of_the_request__decides(
    client_of: Any, ben: User, alpha: Namespace, beta: Namespace, ana: User
) -> None:
    """One and the same key may stand in two namespaces: each shows its own history."""
    for namespace, title in ((alpha, "in alpha"), (beta, "in beta")):
        with namespace_scope(namespace), operation(actor=Actor.user(ana)):
            Study.objects.create(pk="01900000-0000-7000-8000-000000000001", code="TWIN", title=title)
    where = "/admin/research/study/01900000-0000-7000-8000-000000000001/history/"
    version = client_of(ben, beta).get(where).context["versions"][0]
    assert version.title == "in beta"


# Links, deletions, purges


@pytest.fixture
def animal(in_alpha: Any) -> Animal:
    """An animal with the tags a and b."""
    row = Animal.objects.create(name="Zora", enclosure=Enclosure.objects.create(name="pond"))
    row.tags.add(*(Tag.objects.create(label=label) for label in ("a", "b")))
    return row


def history_of(row: Any) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/history/"


def test_history__of_links__says_what_they_were_and_are(
    client_of: Any, ana: User, alpha: Namespace, animal: Animal
) -> None:
    """A version that changed tracked links tells them by name."""
    animal.tags.set([Tag.objects.get(label="b")])
    shown = client_of(ana, alpha).get(history_of(animal)).context["versions"]
    assert [version.changes for version in shown] == [["tags: a, b \u2192 b"], ["tags: none \u2192 a, b"], []]


def test_history__62_versions_with_a_tracked_link__takes_at_most_15_queries(
    client_of: Any, ana: User, alpha: Namespace, animal: Animal, django_assert_max_num_queries: Any
) -> None:
    """Links cost a query for all versions together."""
    tag = Tag.objects.get(label="a")
    for number in range(30):
        Animal.objects.filter(pk=animal.pk).update(name=f"name {number}")
        (animal.tags.add if number % 2 else animal.tags.remove)(tag)
    client = client_of(ana, alpha)
    with django_assert_max_num_queries(15):
        response = client.get(history_of(animal))
    assert len(response.context["versions"]) == 62


def test_history__deletion_and_restoration__are_told_as_such(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str
) -> None:
    """What became of the row is said by a word, without naming technical fields."""
    study.delete()
    study.undelete()
    shown = client_of(ana, alpha).get(address).context["versions"]
    assert [(version.in_words, version.changes) for version in shown][:2] == [
        ("Restored", []),
        ("Deleted", []),
    ]


def test_history__purge__is_told_as_such(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str
) -> None:
    """The last version of a purged row says so."""
    study.purge()
    assert client_of(ana, alpha).get(address).context["versions"][0].in_words == "Purged"


def test_history__revert_of_a_deletion__says_what_became_of_the_row(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """Where the action does not say that a row came back, its state does."""
    study.delete()
    client = client_of(ana, alpha)
    client.post(f"{address}{versions[1].pk}/revert/")
    newest = client.get(address).context["versions"][0]
    assert (newest.in_words, newest.changes) == ("Reverted", ["state: deleted \u2192 living"])


def test_version__links__are_shown_as_they_were_and_are(
    client_of: Any, ana: User, alpha: Namespace, animal: Animal
) -> None:
    """A version tells what it was linked to, and what is different now."""
    version = animal.history.first()
    animal.tags.clear()
    shown = client_of(ana, alpha).get(f"{history_of(animal)}{version.pk}/").context["values"]
    tags = next(value for value in shown if value.field == "tags")
    assert (tags.old, strip_tags(tags.new), tags.differs) == ("a, b", "none", True)


def test_revert__of_links__is_previewed_and_done(
    client_of: Any, ana: User, alpha: Namespace, animal: Animal
) -> None:
    """A revert ties links again, and says so before."""
    version = animal.history.first()
    animal.tags.clear()
    client, where = client_of(ana, alpha), f"{history_of(animal)}{version.pk}/revert/"
    change = client.get(where).context["changes"][0]
    client.post(where)
    told = (strip_tags(change.old), change.new, animal.tags.count())
    assert told == ("none", "a, b", 2)


def test_revert__field_that_the_form_only_shows__is_left_alone(
    client_of: Any, ana: User, alpha: Namespace, study: Study, address: str, versions: Any
) -> None:
    """What cannot be changed on the form cannot be changed by a revert."""
    registered = namespace_site._registry[Study]
    registered.readonly_fields = ("title",)
    try:
        client_of(ana, alpha).post(f"{address}{versions[0].pk}/revert/")
    finally:
        del registered.readonly_fields
    assert title_of(study) == "second"


def test_compare__links_and_state__are_told(
    client_of: Any, ana: User, alpha: Namespace, animal: Animal
) -> None:
    """Two versions are compared with their links and whether the row lived."""
    first = animal.history.last()
    animal.delete()
    last = animal.history.first()
    query = f"{history_of(animal)}compare/?older={first.pk}&newer={last.pk}"
    changes = client_of(ana, alpha).get(query).context["changes"]
    told = {change.field: (strip_tags(str(change.old)), str(change.new)) for change in changes}
    assert (told["state"], told["tags"]) == (("living", "deleted"), ("none", "a, b"))
