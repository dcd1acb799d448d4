"""Deleted rows in the admin: what was deleted with what, and what a restoration brings back."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, operation
from smartmodels.softdelete import soft_delete
from smartmodels.softdelete.preview import preview_restoration
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.clients import host_of
from tests.zoo.models import Enclosure, Keeper, Permit

LIST = "/admin/research/study/"
DELETED = f"{LIST}?deleted=yes"


@pytest.fixture
def tree(in_alpha: Any) -> Study:
    """A study of ana's with two specimens, each with two observations."""
    study = Study.objects.create(code="PAL0708", island="Biscoe")
    rows = [Specimen.objects.create(study=study, number=n, individual=f"N{n}", species="A") for n in (1, 2)]
    Observation.objects.bulk_create([Observation(specimen=row) for row in rows for _ in range(2)])
    return study


@pytest.fixture
def deleted(tree: Study, ana: User) -> Study:
    """The study, deleted by ana in an operation of its own."""
    with operation(nested=False, actor=Actor.user(ana)):
        tree.delete()
    return tree


def restore_of(row: Any) -> str:
    return f"{LIST}{row.pk}/restore/"


def action(*rows: Any, **more: Any) -> dict[str, Any]:
    return {"action": "restore_selected", "_selected_action": [row.pk for row in rows], **more}


def kinds(found: Any) -> dict[str, int]:
    return {kind.name: kind.count for kind in found}


# The list


def test_list__tells_when_by_whom_and_in_which_operation(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """A deleted row says who deleted it and leads to the operation that did."""
    content = client_of(ana, alpha).get(DELETED).content.decode()
    where = f'href="/admin/history/operations/{deleted.deleted_in}/"'
    assert (ana.email in content, "deleted_at" in content, where in content) == (True, True, True)


def test_list__fifty_deleted_rows__takes_at_most_10_queries(
    client_of: Any, ana: User, alpha: Namespace, tree: Study, django_assert_max_num_queries: Any
) -> None:
    """The number of queries does not grow with the rows."""
    rows = [Specimen(study=tree, number=n, individual=f"N{n}", species="B") for n in range(3, 53)]
    Specimen.objects.bulk_create(rows)
    tree.delete()
    client = client_of(ana, alpha)
    with django_assert_max_num_queries(10):
        response = client.get("/admin/research/specimen/?deleted=yes")
    assert response.context["cl"].result_count == 52


# One


def test_restore__previewed__names_what_comes_along(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """What was deleted together with a row comes back with it."""
    foreseen = client_of(ana, alpha).get(restore_of(deleted)).context["foreseen"]
    assert kinds(foreseen.coming) == {"study": 1, "specimens": 2, "observations": 4}


def test_restore__previewed__changes_nothing(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """Looking brings nothing back and leaves no version."""
    before = Study.history.count()
    client_of(ana, alpha).get(restore_of(deleted))
    assert (Study.objects.count(), Specimen.objects.count(), Study.history.count()) == (0, 0, before)


def test_preview__is_told_by_the_code_that_restores(deleted: Study, in_alpha: Any) -> None:
    """What is foreseen is what happens."""
    foreseen = preview_restoration(Study, [deleted.pk])
    assert foreseen.as_counts() == deleted.undelete()


def test_restore__previewed__names_what_stays(
    client_of: Any, ana: User, alpha: Namespace, in_alpha: Any
) -> None:
    """A row that needs something else that is deleted is announced as left."""
    keepers = [Keeper.objects.create(name=name, email=f"{name}@x.org") for name in ("kim", "lee")]
    place = Enclosure.objects.create(name="pond")
    Permit.objects.create(enclosure=place, keeper=keepers[0], substitute=keepers[1])
    soft_delete(Enclosure, [place.pk])
    with operation(nested=False, actor=Actor.user(ana)):
        soft_delete(Keeper, [each.pk for each in keepers])
    foreseen = client_of(ana, alpha).get(f"/admin/zoo/enclosure/{place.pk}/restore/").context["foreseen"]
    assert (kinds(foreseen.coming), kinds(foreseen.left)) == ({"enclosure": 1}, {"permit": 1})


def test_restore__belongs_to_a_deleted_row__leads_to_that(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """What has to be restored first is named, with the way there."""
    row = Specimen.deleted_objects.first()
    response = client_of(ana, alpha).get(f"/admin/research/specimen/{row.pk}/restore/")
    named = response.context["foreseen"].in_the_way[0].rows
    assert named == [("PAL0708 Biscoe", f"{LIST}{deleted.pk}/history/")]


def test_restore__belongs_to_a_deleted_row__confirmed_is_a_conflict(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """A restoration that cannot be is refused in words."""
    row = Specimen.deleted_objects.first()
    response = client_of(ana, alpha).post(f"/admin/research/specimen/{row.pk}/restore/")
    assert (response.status_code, Specimen.objects.count()) == (409, 0)


def test_restore__value_taken__leads_to_who_has_it(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """The row that holds the value is named, with the way there."""
    other = Study.objects.create(code="PAL0708", island="Biscoe")
    response = client_of(ana, alpha).get(restore_of(deleted))
    named = response.context["foreseen"].in_the_way[0].rows
    assert (response.status_code, named) == (200, [("PAL0708 Biscoe", f"{LIST}{other.pk}/history/")])


@pytest.fixture
def of_two(in_alpha: Any, ana: User, ben: User) -> Study:
    """A study of ben's with a specimen of ana's, both deleted by ana."""
    with operation(nested=False, actor=Actor.user(ben)):
        study = Study.objects.create(code="BEN")
    with operation(nested=False, actor=Actor.user(ana)):
        Specimen.objects.create(study=study, number=1, individual="N1", species="A")
        study.delete()
    return study


def test_restore__rows_of_others_would_come_along__is_forbidden_to_a_member(
    client_of: Any, ben: User, alpha: Namespace, of_two: Study
) -> None:
    """A member brings back their own rows only."""
    client = client_of(ben, alpha)
    told = client.get(restore_of(of_two)).context["foreseen"].foreign
    response = client.post(restore_of(of_two))
    assert (told, response.status_code, Study.objects.count()) == ("specimens", 403, 0)


def test_restore__rows_of_others_would_come_along__is_allowed_to_the_owner(
    client_of: Any, ana: User, alpha: Namespace, of_two: Study
) -> None:
    """A managing role brings back everybody's."""
    client_of(ana, alpha).post(restore_of(of_two))
    assert (Study.objects.count(), Specimen.objects.count()) == (1, 1)


def test_revert__rows_of_others_would_come_along__is_refused_to_a_member(
    client_of: Any, ben: User, alpha: Namespace, of_two: Study
) -> None:
    """Going back to a version from before the deletion is no way around."""
    version = of_two.history.last()
    response = client_of(ben, alpha).post(f"{LIST}{of_two.pk}/history/{version.pk}/revert/")
    assert (response.status_code, Specimen.objects.count()) == (409, 0)


def test_restore__reason__stands_in_the_history(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """Why something was restored is kept."""
    client_of(ana, alpha).post(restore_of(deleted), {"reason": "still needed"})
    newest: Any = deleted.history.first()
    assert (newest.action, newest.history_change_reason) == ("restore", "still needed")


# Several


def test_restore_selected__asked_for__shows_a_preview_and_changes_nothing(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """The action asks first."""
    other = Study.objects.create(code="OTHER")
    other.delete()
    response = client_of(ana, alpha).post(DELETED, action(deleted, other))
    coming = kinds(response.context["foreseen"].coming)
    expected = {"studies": 2, "specimens": 2, "observations": 4}
    assert (response.status_code, coming, Study.objects.count()) == (200, expected, 0)


def test_restore_selected__confirmed_on_the_page__restores(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """The page posts what the action needs."""
    client = client_of(ana, alpha)
    page = client.post(DELETED, action(deleted)).content.decode()
    assert all(f'name="{name}"' in page for name in ("action", "post", "_selected_action"))
    client.post(DELETED, action(deleted, post="yes", reason="needed"))
    assert Observation.objects.count() == 4


def test_restore_selected__conflict__is_told_and_nothing_changes(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """What stands in the way of one stands in the way of all."""
    Study.objects.create(code="PAL0708", island="Biscoe")
    response = client_of(ana, alpha).post(DELETED, action(deleted, post="yes"))
    assert (response.status_code, Study.objects.count()) == (409, 1)


def test_restore_selected__viewer__is_forbidden(
    client_of: Any, vic: User, alpha: Namespace, deleted: Study
) -> None:
    """A viewer restores nothing: the action is not even offered."""
    client_of(vic, alpha).post(DELETED, action(deleted, post="yes"))
    assert Study.objects.count() == 0


def test_restore__without_csrf_token__is_refused(
    client_of: Any, ana: User, alpha: Namespace, deleted: Study
) -> None:
    """A restoration cannot be forged by another site."""
    client = Client(enforce_csrf_checks=True, headers={"host": host_of(alpha)})
    client.cookies = client_of(ana, alpha).cookies
    assert (client.post(restore_of(deleted)).status_code, Study.objects.count()) == (403, 0)


def test_preview__three_hundred_rows__takes_as_many_queries_as_three(deleted: Study, in_alpha: Any) -> None:
    """Set by set, however many rows."""

    def queries() -> int:
        with CaptureQueriesContext(connection) as sent:
            preview_restoration(Study, [deleted.pk])
        return len(sent)

    few = queries()
    deleted.undelete()
    rows = [Specimen(study=deleted, number=n, individual=f"N{n}", species="B") for n in range(3, 303)]
    Specimen.objects.bulk_create(rows)
    deleted.delete()
    assert queries() == few
