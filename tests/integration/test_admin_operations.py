"""What was done in a namespace, in its admin: list, look, undo; and that looking changes nothing."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import timeline
from tenant_apps.research.models import Specimen, Study
from tests.support.clients import host_of
from tests.zoo.models import Animal, Enclosure, Tag

LIST = "/admin/history/operations/"


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study of ana's."""
    with operation(nested=False, actor=Actor.user(User.objects.get(email="ana@example.org"))):
        return Study.objects.create(code="PAL0708", island="Biscoe", title="first")


@pytest.fixture
def by(in_alpha: Any) -> Callable[..., Any]:
    """``by(user, reason)``: an operation of its own."""
    return lambda user, reason=None: operation(nested=False, actor=Actor.user(user), reason=reason)


@pytest.fixture
def retitled(study: Study, by: Any, ana: User) -> uuid.UUID:
    """The operation in which ana gave the study another title."""
    with by(ana, "a better title") as opened:
        Study.objects.filter(pk=study.pk).update(title="second")
    return opened.id


def page_of(operation_id: Any) -> str:
    return f"{LIST}{operation_id}/"


def undo_of(operation_id: Any) -> str:
    return f"{LIST}{operation_id}/undo/"


def confirm(client: Client, address: str, reason: str = "", **more: Any) -> Any:
    """Look at a preview and confirm what was seen."""
    seen = client.get(address).context["form"].initial["seen"]
    return client.post(address, {"seen": seen, "reason": reason, **more})


def title_of(study: Study) -> str:
    return Study.all_objects.get(pk=study.pk).title


# The list


def test_list__names_who_what_and_why_newest_first(
    client_of: Any, ana: User, alpha: Namespace, retitled: Any
) -> None:
    """An operation is told by who did it, what it did to how many rows, and why."""
    shown = client_of(ana, alpha).get(LIST).context["operations"]
    told = [(each.actor_label, did, kinds, each.reason) for each, did, kinds, _ in shown]
    assert told == [
        (ana.email, "Changed", "1 study", "a better title"),
        (ana.email, "Created", "1 study", None),
    ]


def test_list__of_a_job_and_a_key__says_what_acted(
    client_of: Any, ana: User, alpha: Namespace, in_alpha: Any
) -> None:
    """Not everything is done by people who are logged in."""
    for actor in (Actor.job("import_studies"), Actor.api_key("nightly", ana.pk), Actor.system()):
        with operation(nested=False, actor=actor):
            Study.objects.create(code=actor.label)
    shown = client_of(ana, alpha).get(LIST).context["operations"]
    assert [who for *_, who in shown] == ["system", "nightly (API key)", "import_studies (job)"]


@pytest.mark.parametrize("person", ["ana", "ben", "vic"])
def test_pages__every_member__may_look(
    client_of: Any, request: pytest.FixtureRequest, alpha: Namespace, retitled: Any, person: str
) -> None:
    """Looking takes membership alone."""
    client = client_of(request.getfixturevalue(person), alpha)
    pages = (LIST, page_of(retitled), undo_of(retitled), "/admin/history/between/", "/admin/history/marks/")
    assert [client.get(page).status_code for page in pages] == [200] * 5


def test_list__of_one_person__holds_what_they_did(
    client_of: Any, ana: User, ben: User, alpha: Namespace, retitled: Any, by: Any
) -> None:
    """The list can be narrowed to one person."""
    with by(ben):
        Study.objects.create(code="BEN")
    shown = client_of(ana, alpha).get(LIST, {"user": str(ben.pk)}).context["operations"]
    assert [each.actor_label for each, *_ in shown] == [ben.email]


def test_list__before_and_from__narrow_it(client_of: Any, ana: User, alpha: Namespace, retitled: Any) -> None:
    """The list can be narrowed to a time."""
    client = client_of(ana, alpha)
    counts = [
        len(client.get(LIST, query).context["operations"])
        for query in ({"since": "2000-01-01T00:00"}, {"until": "2000-01-01T00:00"})
    ]
    assert counts == [2, 0]


def test_list__fifty_one_operations__are_two_pages(
    client_of: Any, ana: User, alpha: Namespace, study: Study, by: Any
) -> None:
    """A page holds fifty."""
    for number in range(50):
        with by(ana):
            Study.objects.filter(pk=study.pk).update(title=str(number))
    client = client_of(ana, alpha)
    first, second = (client.get(LIST, {"p": page}) for page in ("1", "2"))
    sizes = [len(each.context["operations"]) for each in (first, second)]
    assert (sizes, b"?p=2" in first.content, b"?p=1" in second.content) == ([50, 1], True, True)


def test_list__fifty_operations__takes_at_most_9_queries(
    client_of: Any, ana: User, alpha: Namespace, study: Study, by: Any, django_assert_max_num_queries: Any
) -> None:
    """One query for the page, whatever is on it."""
    for number in range(50):
        with by(ana):
            Study.objects.filter(pk=study.pk).update(title=str(number))
    client = client_of(ana, alpha)
    with django_assert_max_num_queries(9):
        client.get(LIST)


def test_list__operations_of_another_namespace__are_not_listed(
    client_of: Any, bea: User, beta: Namespace, retitled: Any
) -> None:
    """A list holds what was done in its own namespace."""
    assert client_of(bea, beta).get(LIST).context["operations"] == []


# One operation


def test_page__tells_each_row_with_what_changed(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """A row leads to its history and tells what became what."""
    row = client_of(ana, alpha).get(page_of(retitled)).context["rows"][0]
    changes = [(change.label, change.old, change.new) for change in row.changes]
    expected = [("Title", "first", "second")]
    assert (row.url, changes) == (f"/admin/research/study/{study.pk}/history/", expected)


def test_page__of_an_older_operation__tells_of_that(
    client_of: Any, ana: User, ben: User, alpha: Namespace, study: Study, retitled: Any, by: Any
) -> None:
    """What was done later is another page."""
    with by(ben, "later"):
        Study.objects.create(code="BEN")
    shown = client_of(ana, alpha).get(page_of(retitled)).context["operation"]
    assert (shown.id, shown.actor_label, shown.reason) == (retitled, ana.email, "a better title")


def test_page__two_hundred_rows__takes_at_most_20_queries(
    client_of: Any, ana: User, alpha: Namespace, study: Study, by: Any, django_assert_max_num_queries: Any
) -> None:
    """The number of queries does not grow with the rows."""
    with by(ana) as opened:
        rows = [Specimen(study=study, number=n, individual=f"N{n}", species="A") for n in range(200)]
        Specimen.objects.bulk_create(rows)
    client = client_of(ana, alpha)
    with django_assert_max_num_queries(20):
        response = client.get(page_of(opened.id))
    assert len(response.context["rows"]) == 100


def test_page__links__are_told_by_name(
    client_of: Any, ana: User, alpha: Namespace, animal: Animal, by: Any
) -> None:
    """What a row is linked to is told as it was and as it is."""
    with by(ana) as opened:
        animal.tags.set([Tag.objects.get(label="b")])
    change = client_of(ana, alpha).get(page_of(opened.id)).context["rows"][0].changes[0]
    assert (change.label, change.old, change.new) == ("Tags", "a, b", "b")


@pytest.fixture
def animal(by: Any, ana: User) -> Animal:
    """An animal with the tags a and b."""
    with by(ana):
        row = Animal.objects.create(name="Zora", enclosure=Enclosure.objects.create(name="pond"))
        row.tags.add(*(Tag.objects.create(label=label) for label in ("a", "b")))
    return row


@pytest.mark.parametrize("page", [page_of, undo_of])
@pytest.mark.parametrize("method", ["get", "post"])
def test_page__operation_of_another_namespace__is_not_found(
    client_of: Any, bea: User, beta: Namespace, study: Study, retitled: Any, page: Any, method: str
) -> None:
    """The owner of beta reaches no operation of alpha."""
    response = getattr(client_of(bea, beta), method)(page(retitled))
    with namespace_scope(Namespace.objects.get(slug="alpha")):
        assert (response.status_code, title_of(study)) == (404, "second")


BAD = ("0", "x", "9" * 400, "%F0%9F%90%A7", "..", " ", "00000000-0000-0000-0000-000000000000", "%25", "'\"")


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("page", [page_of, undo_of])
def test_page__malformed_id__is_not_found(
    client_of: Any, ana: User, alpha: Namespace, study: Study, page: Any, bad: str
) -> None:
    """An id that is none is not found."""
    assert client_of(ana, alpha).get(page(bad)).status_code == 404


@pytest.mark.parametrize("page", [LIST, "/admin/history/between/"])
@pytest.mark.parametrize(
    "query",
    [
        "user=x", "user=%00", f"user={uuid.UUID(int=0)}", "user=" + "9" * 5000, "since=x", "since=9999-99-99",
        "since=99999-01-01T00:00", "since=0001-01-01T00:00", "until=9999-12-31T23:59",
        "since=2020-01-02T00:00&until=2020-01-01T00:00", "since=2020-01-01T00:00%2B99:99", "strategy=x",
        "since=%F0%9F%90%A7",
    ],
)  # fmt: skip
def test_pages__malformed_query__is_never_an_error(
    client_of: Any, ana: User, alpha: Namespace, retitled: Any, page: str, query: str
) -> None:
    """Whatever the address says, the answer is a page or a refusal."""
    assert client_of(ana, alpha).get(f"{page}?{query}").status_code in (200, 400)


@pytest.mark.parametrize("number", ["x", "-1", "0", "9" * 5000, "1.5", "", "%C2%B2"])
@pytest.mark.parametrize("page", ["list", "page", "undo", "marks"])
def test_pages__malformed_page_number__is_never_an_error(
    client_of: Any, ana: User, alpha: Namespace, retitled: Any, page: str, number: str
) -> None:
    """A number of a page that is none is taken for one that is."""
    where = {"list": LIST, "page": page_of(retitled), "undo": undo_of(retitled)}
    address = where.get(page, "/admin/history/marks/")
    assert client_of(ana, alpha).get(f"{address}?p={number}").status_code == 200


# Undoing an operation


def test_undo__previewed__changes_nothing(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """Looking at a preview writes nothing."""
    client_of(ana, alpha).get(undo_of(retitled), {"strategy": "force"})
    assert (title_of(study), study.history.count()) == ("second", 2)


def test_undo__previewed__says_what_would_become_what(
    client_of: Any, ana: User, alpha: Namespace, retitled: Any
) -> None:
    """The preview tells rows, what would be done, and values."""
    row = client_of(ana, alpha).get(undo_of(retitled)).context["rows"][0]
    change = row.changes[0]
    assert (row.what, change.old, change.new) == ("changed back", "second", "first")


def test_undo__confirmed__brings_the_values_back(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """What was previewed is done, with the reason in history."""
    confirm(client_of(ana, alpha), undo_of(retitled), "was right before")
    newest: Any = study.history.first()
    told = (title_of(study), newest.action, newest.history_change_reason, newest.actor_label)
    assert told == ("first", "revert", "was right before", ana.email)


def test_undo__confirmed__leads_to_the_operation_that_did_it(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """The result is an operation of its own, which can be undone in turn."""
    client = client_of(ana, alpha)
    done = confirm(client, undo_of(retitled)).context["operation_id"]
    confirm(client, undo_of(done))
    assert title_of(study) == "second"


def test_undo__values_posted__count_for_nothing(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """Only a reason and the digest of the preview are read from what is posted."""
    confirm(client_of(ana, alpha), undo_of(retitled), title="STOLEN", code="STOLEN", strategy="force")
    study.refresh_from_db()
    assert (study.title, study.code) == ("first", "PAL0708")


@pytest.mark.parametrize("seen", [None, "", "x", "\x00", "9" * 5000])
def test_undo__confirmed_without_a_preview__is_refused(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any, seen: str | None
) -> None:
    """Nobody confirms what they have not seen."""
    data = {} if seen is None else {"seen": seen}
    response = client_of(ana, alpha).post(undo_of(retitled), data)
    assert (response.status_code in (400, 409), title_of(study)) == (True, "second")


def test_undo__row_changed_since_the_preview__is_refused(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """What was not in the preview is not overwritten."""
    client = client_of(ana, alpha)
    seen = client.get(undo_of(retitled)).context["form"].initial["seen"]
    Study.objects.filter(pk=study.pk).update(notes="written meanwhile")
    response = client.post(undo_of(retitled), {"seen": seen})
    assert (response.status_code, title_of(study)) == (409, "second")


def test_undo__viewer_posts__is_forbidden(
    client_of: Any, vic: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """A viewer undoes nothing."""
    response = client_of(vic, alpha).post(undo_of(retitled), {"seen": "x"})
    assert (response.status_code, title_of(study)) == (403, "second")


def test_undo__viewer__is_offered_no_confirmation(
    client_of: Any, vic: User, alpha: Namespace, retitled: Any
) -> None:
    """Nothing is offered that would be refused."""
    assert b'id="undo_form"' not in client_of(vic, alpha).get(undo_of(retitled)).content


def test_undo__row_of_somebody_else__is_a_conflict(
    client_of: Any, ben: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """A member's undoing reaches their own rows only, whatever strategy is chosen."""
    client = client_of(ben, alpha)
    plans = [client.get(undo_of(retitled), {"strategy": name}).context["plan"] for name in ("", "force")]
    codes = [[conflict.code for conflict in plan.conflicts] for plan in plans]
    assert codes == [["no-permission"], ["no-permission"]]


@pytest.mark.parametrize("strategy", ["", "skip", "merge", "force"])
def test_undo__row_of_somebody_else_confirmed__stays_as_it_is(
    client_of: Any, ben: User, alpha: Namespace, study: Study, retitled: Any, strategy: str
) -> None:
    """Also by confirming, a member does not change the rows of others."""
    confirm(client_of(ben, alpha), f"{undo_of(retitled)}?strategy={strategy}")
    assert (title_of(study), study.history.count()) == ("second", 2)


@pytest.fixture
def mixed(study: Study, by: Any, ana: User, ben: User) -> tuple[Any, Study]:
    """An operation of ana's that changed her study and one of ben's."""
    with by(ben):
        other = Study.objects.create(code="BEN", title="first")
    with by(ana) as opened:
        Study.objects.update(title="second")
    return opened.id, other


def test_undo__some_rows_of_others_left_out__undoes_ones_own(
    client_of: Any, ben: User, alpha: Namespace, study: Study, mixed: Any
) -> None:
    """Rows that may not be changed are left out, the others are undone."""
    done, other = mixed
    response = confirm(client_of(ben, alpha), f"{undo_of(done)}?strategy=skip")
    told = ([row.name for row in response.context["rows"]], [row.name for row in response.context["left"]])
    assert (told, title_of(study), title_of(other)) == ((["BEN"], ["PAL0708 Biscoe"]), "second", "first")


def test_undo__changed_since__can_be_left_out_or_overwritten(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """The one who undoes decides what becomes of later changes."""
    Study.objects.filter(pk=study.pk).update(title="third")
    client = client_of(ana, alpha)
    refused = confirm(client, undo_of(retitled))
    confirm(client, f"{undo_of(retitled)}?strategy=skip")
    skipped = title_of(study)
    confirm(client, f"{undo_of(retitled)}?strategy=force")
    assert (refused.status_code, skipped, title_of(study)) == (409, "third", "first")


def test_undo__unknown_strategy__is_refused(
    client_of: Any, ben: User, alpha: Namespace, retitled: Any
) -> None:
    """There are three strategies."""
    assert client_of(ben, alpha).get(undo_of(retitled), {"strategy": "x"}).status_code == 400


def test_undo__without_csrf_token__is_refused(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """Undoing cannot be forged by another site."""
    seen = client_of(ana, alpha).get(undo_of(retitled)).context["form"].initial["seen"]
    client = Client(enforce_csrf_checks=True, headers={"host": host_of(alpha)})
    client.cookies = client_of(ana, alpha).cookies
    response = client.post(undo_of(retitled), {"seen": seen})
    assert (response.status_code, title_of(study)) == (403, "second")


def test_undo__links__are_tied_again(
    client_of: Any, ana: User, alpha: Namespace, animal: Animal, by: Any
) -> None:
    """The preview tells links by name, and undoing ties them."""
    with by(ana) as opened:
        animal.tags.set([Tag.objects.get(label="b")])
    client = client_of(ana, alpha)
    change = client.get(undo_of(opened.id)).context["rows"][0].changes[0]
    confirm(client, undo_of(opened.id))
    told = (change.old, change.new, animal.tags.count())
    assert told == ("b", "a, b", 2)


def test_undo__creation__deletes_softly(client_of: Any, ana: User, alpha: Namespace, animal: Animal) -> None:
    """What was created is deleted, and can be restored."""
    created = timeline(Animal, animal.pk).last().operation_id  # type: ignore[union-attr]
    confirm(client_of(ana, alpha), undo_of(created))
    assert Animal.deleted_objects.filter(pk=animal.pk).exists()


def test_undo__purge__brings_the_row_back(
    client_of: Any, ana: User, alpha: Namespace, study: Study, by: Any
) -> None:
    """What was removed for good comes back from its history."""
    with by(ana) as opened:
        study.purge()
    confirm(client_of(ana, alpha), undo_of(opened.id))
    assert Study.objects.get().title == "first"


def test_undo__two_hundred_rows__preview_takes_at_most_40_queries(
    client_of: Any, ana: User, alpha: Namespace, study: Study, by: Any, django_assert_max_num_queries: Any
) -> None:
    """The number of queries does not grow with the rows."""
    with by(ana) as opened:
        rows = [Specimen(study=study, number=n, individual=f"N{n}", species="A") for n in range(200)]
        Specimen.objects.bulk_create(rows)
    client = client_of(ana, alpha)
    with django_assert_max_num_queries(40):
        client.get(undo_of(opened.id))


def test_undo__values_with_markup__are_escaped(
    client_of: Any, ana: User, alpha: Namespace, study: Study, by: Any
) -> None:
    """What people write is shown as text."""
    with by(ana, "<script>alert(1)</script>") as opened:
        Study.objects.filter(pk=study.pk).update(title="<script>alert(2)</script>")
    client = client_of(ana, alpha)
    pages = (LIST, page_of(opened.id), undo_of(opened.id), f"/admin/research/study/{study.pk}/history/")
    assert not any(b"<script>alert" in client.get(page).content for page in pages)


def test_page__long_value__is_cut(client_of: Any, ana: User, alpha: Namespace, study: Study, by: Any) -> None:
    """A page of many rows does not carry every long text in full."""
    with by(ana) as opened:
        Study.objects.filter(pk=study.pk).update(notes="x" * 50_000)
    change = client_of(ana, alpha).get(page_of(opened.id)).context["rows"][0].changes[0]
    assert (len(change.new) < 1100, change.new.endswith("(49000 characters more)")) == (True, True)


def test_undo__of_two_fields_with_one_in_dispute__merge_says_which_is_kept(
    client_of: Any, ana: User, alpha: Namespace, study: Study, by: Any
) -> None:
    """What a strategy leaves alone is told in the preview."""
    with by(ana) as opened:
        Study.objects.filter(pk=study.pk).update(title="second", notes="second")
    Study.objects.filter(pk=study.pk).update(title="third")
    row = client_of(ana, alpha).get(undo_of(opened.id), {"strategy": "merge"}).context["rows"][0]
    assert ([change.field for change in row.changes], row.notes) == (["notes"], ("Keeps its title.",))


# Undoing what somebody did


def between(user: Any, since: str = "2020-01-01T00:00", **more: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in {"user": user.pk, "since": since, **more}.items())
    return f"/admin/history/between/?{query}"


def test_between__confirmed__undoes_what_that_person_did(
    client_of: Any, ana: User, ben: User, alpha: Namespace, study: Study, retitled: Any, by: Any
) -> None:
    """What others did stays."""
    with by(ben):
        Study.objects.filter(pk=study.pk).update(notes="bad")
        Study.objects.create(code="BAD")
    confirm(client_of(ana, alpha), between(ben))
    study.refresh_from_db()
    assert (study.title, study.notes, Study.objects.count()) == ("second", "", 1)


def test_between__time_before_anything__has_nothing_to_undo(
    client_of: Any, ana: User, alpha: Namespace, retitled: Any
) -> None:
    """An empty plan is told as such."""
    response = client_of(ana, alpha).get(between(ana, until="2020-01-02T00:00"))
    assert (response.status_code, response.context["plan"].is_noop) == (200, True)


def test_between__somebody_who_left__can_still_be_chosen(
    client_of: Any, ana: User, ben: User, alpha: Namespace, by: Any
) -> None:
    """What a former member did can be undone as well."""
    with by(ben):
        Study.objects.create(code="BAD")
    ben.memberships.all().delete()
    confirm(client_of(ana, alpha), between(ben))
    assert Study.objects.count() == 0


def test_between__viewer_posts__is_forbidden(
    client_of: Any, ana: User, vic: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """A viewer undoes nothing."""
    response = client_of(vic, alpha).post(between(ana), {"seen": "x"})
    assert (response.status_code, title_of(study)) == (403, "second")


# The way there


def test_index__leads_to_the_pages(client_of: Any, vic: User, alpha: Namespace) -> None:
    """The start page leads to operations, marks and undoing."""
    content = client_of(vic, alpha).get("/admin/").content.decode()
    names = ("admin:operations", "admin:marks", "admin:between")
    assert all(f'href="{reverse(name)}"' in content for name in names)


def test_index__recent_change__leads_to_its_operation(
    client_of: Any, ana: User, alpha: Namespace, retitled: Any
) -> None:
    """From what changed lately one gets to what changed with it."""
    assert page_of(retitled) in client_of(ana, alpha).get("/admin/").content.decode()


def test_history__each_version__leads_to_its_operation(
    client_of: Any, ana: User, alpha: Namespace, study: Study, retitled: Any
) -> None:
    """From a version one gets to what changed with it."""
    history = f"/admin/research/study/{study.pk}/history/"
    client = client_of(ana, alpha)
    version = study.history.first()
    pages = (history, f"{history}{version.pk}/")
    assert all(page_of(retitled) in client.get(page).content.decode() for page in pages)
