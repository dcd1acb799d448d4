"""Marks in the admin of a namespace: set one, go back to it, remove it."""

from typing import Any

import pytest
from django.test import Client

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import namespace_scope
from smartmodels.history import all_marks, mark
from tenant_apps.research.models import Study
from tests.support.clients import host_of

LIST = "/admin/history/marks/"


@pytest.fixture
def marked(in_alpha: Any) -> Any:
    """A mark; since then ana added a study."""
    Study.objects.create(code="BEFORE")
    made = mark("before import", "the large one")
    Study.objects.create(code="AFTER")
    return made


def undo_of(made: Any) -> str:
    return f"{LIST}{made.pk}/undo/"


def remove_of(made: Any) -> str:
    return f"{LIST}{made.pk}/remove/"


def codes() -> set[str]:
    return set(Study.objects.values_list("code", flat=True))


def test_set__by_the_owner__is_listed(client_of: Any, ana: User, alpha: Namespace, in_alpha: Any) -> None:
    """A mark has a name, a note, and who set it."""
    client_of(ana, alpha).post(LIST, {"name": " before import ", "note": "the large one"})
    made = all_marks().get()
    assert (made.name, made.note, made.created_by_label) == ("before import", "the large one", ana.email)


@pytest.mark.parametrize("person", ["ben", "vic"])
def test_set__without_a_managing_role__is_forbidden(
    client_of: Any, request: pytest.FixtureRequest, alpha: Namespace, in_alpha: Any, person: str
) -> None:
    """Marks are for owners and admins."""
    response = client_of(request.getfixturevalue(person), alpha).post(LIST, {"name": "mine"})
    assert (response.status_code, all_marks().count()) == (403, 0)


def test_set__name_taken__is_a_message(client_of: Any, ana: User, alpha: Namespace, marked: Any) -> None:
    """A name that is taken is refused beside the form."""
    response = client_of(ana, alpha).post(LIST, {"name": marked.name})
    assert (response.status_code, "name" in response.context["form"].errors) == (409, True)


@pytest.mark.parametrize("name", ["", " ", "\x00", "x" * 201, "a\nb", "\x1b[31m"])
def test_set__unusable_name__is_a_message(
    client_of: Any, ana: User, alpha: Namespace, in_alpha: Any, name: str
) -> None:
    """A name that is none is refused beside the form."""
    response = client_of(ana, alpha).post(LIST, {"name": name})
    assert (response.status_code, all_marks().count()) == (400, 0)


def test_list__viewer__is_offered_neither_form_nor_removal(
    client_of: Any, vic: User, alpha: Namespace, marked: Any
) -> None:
    """Nothing is offered that would be refused."""
    content = client_of(vic, alpha).get(LIST).content.decode()
    assert ('id="mark_form"' in content, remove_of(marked) in content) == (False, False)


def test_list__twenty_marks__takes_at_most_8_queries(
    client_of: Any, ana: User, alpha: Namespace, in_alpha: Any, django_assert_max_num_queries: Any
) -> None:
    """The number of queries does not grow with the marks."""
    for number in range(20):
        mark(str(number))
    client = client_of(ana, alpha)
    with django_assert_max_num_queries(8):
        client.get(LIST)


def test_undo__previewed__changes_nothing(client_of: Any, ana: User, alpha: Namespace, marked: Any) -> None:
    """Looking writes nothing."""
    client_of(ana, alpha).get(undo_of(marked))
    assert codes() == {"BEFORE", "AFTER"}


def test_undo__confirmed__goes_back(client_of: Any, ana: User, alpha: Namespace, marked: Any) -> None:
    """Everything since the mark is undone, and nothing from before."""
    client = client_of(ana, alpha)
    seen = client.get(undo_of(marked)).context["form"].initial["seen"]
    client.post(undo_of(marked), {"seen": seen})
    assert codes() == {"BEFORE"}


@pytest.mark.parametrize("person", ["ben", "vic"])
def test_undo__without_a_managing_role__is_forbidden(
    client_of: Any, request: pytest.FixtureRequest, alpha: Namespace, marked: Any, person: str
) -> None:
    """Going back to a mark is for owners and admins; everybody may look at what it would change."""
    client = client_of(request.getfixturevalue(person), alpha)
    looked = client.get(undo_of(marked))
    seen = looked.context["form"].initial["seen"]
    statuses = (looked.status_code, client.post(undo_of(marked), {"seen": seen}).status_code)
    assert (statuses, codes()) == ((200, 403), {"BEFORE", "AFTER"})


def test_remove__asked_for__changes_nothing_yet(
    client_of: Any, ana: User, alpha: Namespace, marked: Any
) -> None:
    """The page asks first."""
    assert (client_of(ana, alpha).get(remove_of(marked)).status_code, all_marks().count()) == (200, 1)


def test_remove__confirmed__forgets_the_mark(
    client_of: Any, ana: User, alpha: Namespace, marked: Any
) -> None:
    """The mark goes, what it marked stays."""
    client_of(ana, alpha).post(remove_of(marked))
    assert (all_marks().count(), codes()) == (0, {"BEFORE", "AFTER"})


@pytest.mark.parametrize("person", ["ben", "vic"])
def test_remove__without_a_managing_role__is_forbidden(
    client_of: Any, request: pytest.FixtureRequest, alpha: Namespace, marked: Any, person: str
) -> None:
    """Marks are for owners and admins."""
    response = client_of(request.getfixturevalue(person), alpha).post(remove_of(marked))
    assert (response.status_code, all_marks().count()) == (403, 1)


@pytest.mark.parametrize("page", [undo_of, remove_of])
@pytest.mark.parametrize("method", ["get", "post"])
def test_page__mark_of_another_namespace__is_not_found(
    client_of: Any, bea: User, alpha: Namespace, beta: Namespace, marked: Any, page: Any, method: str
) -> None:
    """The owner of beta reaches no mark of alpha."""
    response = getattr(client_of(bea, beta), method)(page(marked))
    with namespace_scope(alpha):
        assert (response.status_code, all_marks().count()) == (404, 1)


@pytest.mark.parametrize("number", ["0", "x", "-1", "9" * 40, "9" * 5000, "%F0%9F%90%A7", "1.0"])
@pytest.mark.parametrize("page", ["undo", "remove"])
def test_page__malformed_number__is_not_found(
    client_of: Any, ana: User, alpha: Namespace, marked: Any, page: str, number: str
) -> None:
    """A number that is none is not found."""
    assert client_of(ana, alpha).get(f"{LIST}{number}/{page}/").status_code == 404


@pytest.mark.parametrize("page", [lambda _: LIST, undo_of, remove_of])
def test_page__without_csrf_token__is_refused(
    client_of: Any, ana: User, alpha: Namespace, marked: Any, page: Any
) -> None:
    """Nothing can be forged by another site."""
    client = Client(enforce_csrf_checks=True, headers={"host": host_of(alpha)})
    client.cookies = client_of(ana, alpha).cookies
    assert client.post(page(marked), {"name": "forged"}).status_code == 403
