"""Rows in the admin of a namespace: who may change them, and how they are deleted and restored."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models.signals import pre_save

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.admin import SmartModelAdmin, namespace_site
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.softdelete import soft_delete
from smartmodels.softdelete.preview import preview_deletion
from tenant_apps.activities.models import Activity
from tenant_apps.research.models import Observation, Specimen, Study

VALUES = {"code": "NEW", "title": "new", "region": "", "island": "", "notes": ""}
LIST = "/admin/research/study/"
DELETED = f"{LIST}?deleted=yes"


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study of ana's."""
    return Study.objects.create(code="PAL0708", island="Biscoe", title="first")


@pytest.fixture
def study_of_ben(in_alpha: Any, ben: User) -> Study:
    with operation(actor=Actor.user(ben)):
        return Study.objects.create(code="BEN", title="first")


@pytest.fixture
def tree(study: Study) -> Study:
    """Two specimens with two observations each below the study."""
    rows = [Specimen.objects.create(study=study, number=n, individual=f"N{n}", species="A") for n in (1, 2)]
    Observation.objects.bulk_create([Observation(specimen=row) for row in rows for _ in range(2)])
    return study


def change(row: Study) -> str:
    return f"{LIST}{row.pk}/change/"


def title_of(row: Study) -> str:
    return Study.all_objects.get(pk=row.pk).title


# Adding and changing


def test_add__member__owns_the_row(client_of: Any, ben: User, alpha: Namespace, in_alpha: Any) -> None:
    """Who adds a row owns it."""
    client_of(ben, alpha).post(f"{LIST}add/", VALUES)
    assert Study.objects.get(code="NEW").owner_id == ben.pk


def test_add__viewer__is_forbidden(client_of: Any, vic: User, alpha: Namespace, in_alpha: Any) -> None:
    """Viewers look."""
    response = client_of(vic, alpha).post(f"{LIST}add/", VALUES)
    assert (response.status_code, Study.objects.count()) == (403, 0)


@pytest.mark.parametrize(("person", "expected"), [("ana", "new"), ("ben", "first"), ("vic", "first")])
def test_change__of_a_row_of_ana__takes_her_or_a_managing_role(
    client_of: Any, request: pytest.FixtureRequest, alpha: Namespace, study: Study, person: str, expected: Any
) -> None:
    """Members change their own rows, owners and admins of the namespace everybody's, viewers none."""
    client_of(request.getfixturevalue(person), alpha).post(change(study), VALUES)
    assert title_of(study) == expected


@pytest.mark.parametrize("person", ["ana", "ben"])
def test_change__of_a_row_of_ben__is_allowed_to_him_and_to_the_owner(
    client_of: Any, request: pytest.FixtureRequest, alpha: Namespace, study_of_ben: Study, person: str
) -> None:
    """A managing role reaches the rows of members."""
    client_of(request.getfixturevalue(person), alpha).post(change(study_of_ben), VALUES)
    assert title_of(study_of_ben) == "new"


def test_change__form_of_somebody_elses_row__has_no_save_button(
    client_of: Any, ben: User, alpha: Namespace, study: Study
) -> None:
    """What would be refused is not offered."""
    assert b'name="_save"' not in client_of(ben, alpha).get(change(study)).content


@pytest.mark.parametrize(
    "field",
    ["owner", "owner_id", "former_owner_id", "created_by", "created_at", "updated_by", "deleted_at", "id"],
)
def test_change__posted_smart_field__is_ignored(
    client_of: Any, ana: User, ben: User, alpha: Namespace, study: Study, field: str
) -> None:
    """Owner, author, times and deletion follow from the operation, not from what is posted."""
    attribute = Study._meta.get_field(field.removesuffix("_id") if field == "owner_id" else field).attname
    before = getattr(study, attribute)
    posted = "2001-01-01 00:00" if field.endswith("_at") else ben.pk
    client_of(ana, alpha).post(change(study), {**VALUES, field: posted})
    assert getattr(Study.objects.get(pk=study.pk), attribute) == before


def test_change__records_who_changed_it(
    client_of: Any, ana: User, ben: User, alpha: Namespace, study_of_ben: Study
) -> None:
    """The actor of the change is the one who is logged in."""
    client_of(ana, alpha).post(change(study_of_ben), VALUES)
    newest = study_of_ben.history.first()
    assert (newest.action, newest.actor_label) == ("update", ana.email)


def test_change__nothing_changed__makes_no_version(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """Pressing save without a change writes nothing."""
    same = {name: getattr(study, name) for name in VALUES}
    client_of(ana, alpha).post(change(study), same)
    assert study.history.count() == 1


def test_change__somebody_saved_meanwhile__is_refused_once(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """Nobody overwrites unawares what another person saved while the form was open."""
    client = client_of(ana, alpha)
    form = client.get(change(study)).context["adminform"].form
    Study.objects.filter(pk=study.pk).update(notes="written meanwhile")
    refused = client.post(change(study), {**VALUES, "seen": form["seen"].value()})
    before = title_of(study)
    again = refused.context["adminform"].form
    client.post(change(study), {**VALUES, "seen": again["seen"].value()})
    assert (before, title_of(study)) == ("first", "new")


def test_change__value_of_a_living_row__is_refused_in_words(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """Uniqueness among the living is told, not raised."""
    response = client_of(ana, alpha).post(f"{LIST}add/", {**VALUES, "code": "PAL0708", "island": "Biscoe"})
    expected = ["Another study on this island has this code."]
    assert response.context["adminform"].form.non_field_errors() == expected


def test_change__value_of_a_deleted_row__is_accepted(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """A deleted row holds no names."""
    study.delete()
    client_of(ana, alpha).post(f"{LIST}add/", {**VALUES, "code": "PAL0708", "island": "Biscoe"})
    assert Study.objects.filter(code="PAL0708").count() == 1


def test_add__constraint_on_the_author__is_checked(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """A constraint that names the author is checked for the one who is logged in."""
    kind = ContentType.objects.get_for_model(Study)
    data = {"kind": "like", "resource_type": kind.pk, "resource_id": study.pk, "text": ""}
    client = client_of(ana, alpha)
    for _ in range(2):
        response = client.post("/admin/activities/activity/add/", data)
    assert (response.status_code, Activity.objects.count()) == (200, 1)


def test_change__value_taken_in_the_same_moment__is_a_message(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """A race that validation cannot see ends in a message, not in an error page."""

    def rival(**_: Any) -> None:
        Study.objects.bulk_create([Study(code="NEW")])

    pre_save.connect(rival, sender=Study)
    try:
        response = client_of(ana, alpha).post(change(study), VALUES, follow=True)
    finally:
        pre_save.disconnect(rival, sender=Study)
    assert [message.level_tag for message in response.context["messages"]] == ["error"]


def test_log__after_add_change_delete__is_empty(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """Django's log in the public schema stays empty: history is the log."""
    client = client_of(ana, alpha)
    client.post(f"{LIST}add/", VALUES)
    client.post(change(study), {**VALUES, "code": "X"})
    client.post(f"{LIST}{study.pk}/delete/", {"post": "yes"})
    assert LogEntry.objects.count() == 0


# Lists


def test_list__fifty_rows__takes_at_most_10_queries(
    client_of: Any, ana: User, ben: User, alpha: Namespace, tree: Study, django_assert_max_num_queries: Any
) -> None:
    """The number of queries does not grow with the rows."""
    rows = [Specimen(study=tree, number=n, individual=f"N{n}", species="B") for n in range(50)]
    Specimen.objects.bulk_create(rows)
    client = client_of(ana, alpha)
    with django_assert_max_num_queries(10):
        client.get("/admin/research/specimen/")


def test_list__deleted_rows__are_not_among_the_living(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """The list holds living rows."""
    study.delete()
    assert client_of(ana, alpha).get(LIST).context["cl"].result_count == 0


def test_list__of_deleted_rows__holds_them_alone(
    client_of: Any, ana: User, alpha: Namespace, study: Study, study_of_ben: Study
) -> None:
    """The list of deleted rows holds these and no other."""
    study.delete()
    shown = client_of(ana, alpha).get(DELETED).context["cl"].result_list
    assert [row.pk for row in shown] == [study.pk]


def test_list__search__looks_into_what_the_row_belongs_to(
    client_of: Any, ana: User, alpha: Namespace, tree: Study
) -> None:
    """A specimen is found by its study's code."""
    assert client_of(ana, alpha).get("/admin/research/specimen/?q=PAL07").context["cl"].result_count == 2


def test_autocomplete__deleted_row__is_not_offered(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """Nothing can be put below a deleted row."""
    study.delete()
    where = "/admin/autocomplete/?app_label=research&model_name=specimen&field_name=study&term=PAL"
    assert client_of(ana, alpha).get(where).json()["results"] == []


def test_form__foreign_key_to_a_deleted_row__is_refused(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """A posted key of a deleted row is no valid choice."""
    study.delete()
    data = {"study": study.pk, "number": 1, "individual": "N1", "species": "Adelie"}
    client_of(ana, alpha).post("/admin/research/specimen/add/", data)
    assert Specimen.objects.count() == 0


# Deleting and restoring


def test_delete__preview__names_what_a_deletion_takes(in_alpha: Any, tree: Study) -> None:
    """The page before the deletion is told by the code that deletes."""
    assert preview_deletion(Study, [tree.pk]).rows == soft_delete(Study, [tree.pk]).rows


def test_delete__page__counts_living_rows_only(
    client_of: Any, ana: User, alpha: Namespace, tree: Study
) -> None:
    """What is deleted already is not announced again."""
    Specimen.objects.get(number=1).delete()
    counts = client_of(ana, alpha).get(f"{LIST}{tree.pk}/delete/").context["model_count"]
    assert dict(counts) == {"studies": 1, "specimens": 1, "observations": 2}


def test_delete__confirmed__marks_the_row_and_what_is_below(
    client_of: Any, ana: User, alpha: Namespace, tree: Study
) -> None:
    """Deletion is soft and takes along what belongs to the row."""
    client_of(ana, alpha).post(f"{LIST}{tree.pk}/delete/", {"post": "yes"})
    assert (Study.deleted_objects.count(), Observation.deleted_objects.count()) == (1, 4)


def test_delete__would_take_rows_of_others__is_forbidden_to_a_member(
    client_of: Any, ana: User, ben: User, alpha: Namespace, study_of_ben: Study
) -> None:
    """A member's deletion does not reach what others own."""
    Specimen.objects.create(study=study_of_ben, number=1, individual="N1", species="A")
    response = client_of(ben, alpha).post(f"{LIST}{study_of_ben.pk}/delete/", {"post": "yes"})
    assert (response.status_code, Study.objects.count()) == (403, 1)


def test_delete_selected__rows_of_others__is_forbidden_to_a_member(
    client_of: Any, ben: User, alpha: Namespace, study: Study
) -> None:
    """The action on a list asks for each row."""
    data = {"action": "delete_selected", "_selected_action": [study.pk], "post": "yes"}
    response = client_of(ben, alpha).post(LIST, data)
    assert (response.status_code, Study.objects.count()) == (403, 1)


def test_delete_selected__by_the_owner__deletes(
    client_of: Any, ana: User, alpha: Namespace, study: Study, study_of_ben: Study
) -> None:
    """The action deletes what is selected."""
    data = {"action": "delete_selected", "_selected_action": [study.pk, study_of_ben.pk], "post": "yes"}
    client_of(ana, alpha).post(LIST, data)
    assert Study.objects.count() == 0


def test_restore__confirmed__brings_back_row_children_and_owner(
    client_of: Any, ana: User, alpha: Namespace, tree: Study
) -> None:
    """A restored row comes with what went along, and to its owner."""
    tree.delete()
    client_of(ana, alpha).post(f"{LIST}{tree.pk}/restore/", {"reason": "needed"})
    assert (Study.objects.get().owner_id, Observation.objects.count()) == (ana.pk, 4)


def test_restore__asked_for__changes_nothing_yet(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """The page asks first."""
    study.delete()
    client_of(ana, alpha).get(f"{LIST}{study.pk}/restore/")
    assert Study.objects.count() == 0


@pytest.mark.parametrize(("person", "expected"), [("ben", 1), ("ana", 1), ("vic", 0)])
def test_restore__of_a_row_of_ben__is_allowed_to_him_and_to_the_owner(
    client_of: Any,
    request: pytest.FixtureRequest,
    alpha: Namespace,
    study_of_ben: Study,
    person: str,
    expected: Any,
) -> None:
    """Deleted rows are the sentinel's, yet their former owner may restore them."""
    study_of_ben.delete()
    client_of(request.getfixturevalue(person), alpha).post(f"{LIST}{study_of_ben.pk}/restore/")
    assert Study.objects.count() == expected


def test_restore__value_taken_meanwhile__is_a_conflict(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """A restore that would break uniqueness says so."""
    study.delete()
    Study.objects.create(code="PAL0708", island="Biscoe")
    response = client_of(ana, alpha).post(f"{LIST}{study.pk}/restore/")
    assert (response.status_code, b"has taken" in response.content) == (409, True)


def test_restore_selected__brings_them_back(
    client_of: Any, ana: User, alpha: Namespace, study: Study, study_of_ben: Study
) -> None:
    """Deleted rows can be restored from their list."""
    soft_delete(Study, [study.pk, study_of_ben.pk])
    data = {"action": "restore_selected", "_selected_action": [study.pk, study_of_ben.pk], "post": "yes"}
    client_of(ana, alpha).post(DELETED, data)
    assert Study.objects.count() == 2


def test_restore_selected__rows_of_others__is_forbidden_to_a_member(
    client_of: Any, ben: User, alpha: Namespace, study: Study
) -> None:
    """The action asks for each row."""
    study.delete()
    data = {"action": "restore_selected", "_selected_action": [study.pk]}
    response = client_of(ben, alpha).post(DELETED, data)
    assert (response.status_code, Study.objects.count()) == (403, 0)


def test_change__address_of_a_deleted_row__leads_to_its_history(
    client_of: Any, ana: User, alpha: Namespace, study: Study
) -> None:
    """An old link leads to where the row can be restored."""
    study.delete()
    assert client_of(ana, alpha).get(change(study)).headers["location"] == f"{LIST}{study.pk}/history/"


# Input that is no input


@pytest.mark.parametrize(
    "query",
    [
        "q=%00", "p=x", "p=-1", "p=99999999999999999999", "o=x.-9", "all=x", "e=1", "id__exact=x",
        "nonsense=1", "code__regex=(", "owner__email__startswith=a", "updated_at__gte=x",
        "updated_at__year=99999999",
        "deleted=maybe", "deleted=yes&q=%27%22%25", "_facets=x", "_to_field=owner", "_popup=x", "sex__in=,",
        "updated_at__isnull=maybe", "q=%F0%9F%90%A7%27%5C", "code=x", "deleted_at__isnull=false",
    ],
)  # fmt: skip
def test_list__malformed_query__is_never_an_error(
    client_of: Any, ana: User, alpha: Namespace, study: Study, query: str
) -> None:
    """Whatever the address says, the answer is a list, a redirect, or a refusal."""
    assert client_of(ana, alpha).get(f"/admin/research/specimen/?{query}").status_code in (200, 302, 400)


@pytest.mark.parametrize("key", ["x", "", "\x00", "9" * 40])
@pytest.mark.parametrize("field", ["study", "sex", "egg_date", "number", "clutch_complete"])
def test_form__malformed_value__is_shown_again(
    client_of: Any, ana: User, alpha: Namespace, study: Study, field: str, key: str
) -> None:
    """A value that cannot be used is marked in the form."""
    data = {"study": study.pk, "number": 1, "individual": "N1", "species": "A", field: key}
    assert client_of(ana, alpha).post("/admin/research/specimen/add/", data).status_code in (200, 302)


@pytest.mark.parametrize("query", ["study=x", "study=%00", "egg_date=x", "id=x", "owner=x"])
def test_form__malformed_initial_value__is_never_an_error(
    client_of: Any, ana: User, alpha: Namespace, in_alpha: Any, query: str
) -> None:
    """What an address suggests for a form may be nonsense."""
    assert client_of(ana, alpha).get(f"/admin/research/specimen/add/?{query}").status_code in (200, 400)


@pytest.mark.parametrize("action", ["delete_selected", "restore_selected", "nonsense", ""])
@pytest.mark.parametrize("key", ["x", "", "\x00"])
def test_action__malformed_key__is_never_an_error(
    client_of: Any, ana: User, alpha: Namespace, in_alpha: Any, action: str, key: str
) -> None:
    """A selected key that is none is refused."""
    data = {"action": action, "_selected_action": [key], "post": "yes"}
    assert client_of(ana, alpha).post(LIST, data).status_code in (302, 404)


@pytest.mark.parametrize("term", ["%00", "%27", "%25%5C", "a" * 5000])
def test_autocomplete__malformed_term__is_never_an_error(
    client_of: Any, ana: User, alpha: Namespace, in_alpha: Any, term: str
) -> None:
    """Any text can be searched for, but a NUL is no text."""
    where = f"/admin/autocomplete/?app_label=research&model_name=specimen&field_name=study&term={term}"
    assert client_of(ana, alpha).get(where).status_code in (200, 400)


# Registration


def test_site__every_smart_model__is_registered_by_itself(rows: None) -> None:
    """A tenant app needs no admin module."""
    namespace_site.register_missing()
    assert {Study, Specimen, Observation, Activity} <= set(namespace_site._registry)


def test_admin__columns_nobody_chose__are_the_first_short_fields(rows: None) -> None:
    """Long texts stay out of lists; who owns a row and when it changed is always told."""
    admin = SmartModelAdmin(Study, namespace_site)
    assert admin.list_display == ("code", "title", "region", "island", "owner_name", "updated_at")


def test_admin__what_a_subclass_says__is_kept(rows: None) -> None:
    """Only what is left empty is derived."""

    class StudyAdmin(SmartModelAdmin):
        list_display = ("title",)
        search_fields = ("notes",)

    admin = StudyAdmin(Study, namespace_site)
    assert (admin.list_display, admin.search_fields) == (("title",), ("notes",))


# The start page


def test_index__changes_of_one_operation__are_told_together(
    client_of: Any, ana: User, alpha: Namespace, tree: Study
) -> None:
    """Recent changes read: one study by name, two specimens and four observations by number."""
    recent = client_of(ana, alpha).get("/admin/").context["recent"]
    told = {(each.action, each.what, each.who) for each in recent}
    names = ("PAL0708 Biscoe", "2 specimens", "4 observations")
    assert told == {("Created", name, ana.email) for name in names}


def test_index__long_history__takes_at_most_20_queries(
    client_of: Any, ana: User, alpha: Namespace, django_assert_max_num_queries: Any
) -> None:
    """The start page does not grow with what happened."""
    for number in range(30):
        with namespace_scope(alpha), operation(actor=Actor.user(ana)):
            Study.objects.create(code=f"S{number}")
    client = client_of(ana, alpha)
    with django_assert_max_num_queries(20):
        client.get("/admin/")
