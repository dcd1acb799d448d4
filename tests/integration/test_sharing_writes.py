"""S2: a row is written elsewhere as its grant allows, at its home, with one version that says so."""

from dataclasses import replace
from typing import Any

import pytest

from shared_apps.sharing.models import Grant
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import history_model
from smartmodels.rest import Nested
from smartmodels.sharing import revoke, share
from smartmodels.tenancy import life
from tenant_apps.research.models import Specimen, Study
from tenant_apps.research.viewsets import SpecimenViewSet, StudyViewSet
from tests.support import keys
from tests.support.lives import act


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="A", title="Before")
    return made


def grant(study: Any, home: Any, target: Any, role: str, **terms: Any) -> Grant:
    """The operator's consent of both sides."""
    with namespace_scope(home), operation(actor=Actor.command("share")):
        made: Grant = share(study, target, role=role, **terms)
    return made


def versions(study: Any, home: Any) -> list[Any]:
    """The versions of a row, newest first."""
    with namespace_scope(home):
        return list(history_model(type(study)).objects.filter(id=study.pk).order_by("-history_id"))


def url(study: Any, *further: str) -> str:
    """The address of a study."""
    return "/".join(["/api/v1/studies", str(study.pk), *further, ""])


def test_patch__role_edit__writes_one_version_at_home_that_says_how(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Who, through whom, and by which grant."""
    given = grant(study, alpha, beta, "edit")
    answer = api_of(bea, beta).patch(url(study), {"title": "After"})
    assert (answer.status_code, answer.json()["title"], answer.json()["home"]) == (200, "After", "alpha")
    newest, first = versions(study, alpha)
    told = (newest.title, newest.via_namespace, newest.via_grant, newest.history_user_id)
    assert told == ("After", "beta", given.pk, bea.pk)
    assert (first.via_namespace, first.via_grant) == (None, None)


def test_put__as_it_was_read__changes_only_what_is_new(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """What the platform sets may be sent back as it was read."""
    grant(study, alpha, beta, "edit")
    client = api_of(bea, beta)
    read = client.get(url(study)).json()
    assert client.put(url(study), {**read, "title": "After"}).status_code == 200
    assert client.put(url(study), {**read, "title": "After", "owner": str(bea.pk)}).status_code == 403
    assert len(versions(study, alpha)) == 2


def test_patch__owner__is_refused_by_name(study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any) -> None:
    """Ownership is never granted."""
    grant(study, alpha, beta, "manage")
    answer = api_of(bea, beta).patch(url(study), {"owner": str(bea.pk)})
    assert (answer.status_code, answer.json()["pointer"]) == (403, "/owner")


def test_patch__if_match__holds_for_what_was_read_here(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """The tag of the detail in the target is good for a write there, once."""
    grant(study, alpha, beta, "edit")
    client = api_of(bea, beta)
    tag = client.get(url(study)).headers["ETag"]
    first = client.patch(url(study), {"title": "1"}, if_match=tag)
    second = client.patch(url(study), {"title": "2"}, if_match=tag)
    third = client.patch(url(study), {"title": "3"}, if_match=first.headers["ETag"])
    assert (first.status_code, second.status_code, third.status_code) == (200, 412, 200)


def test_patch__key_of_an_own_row__is_422_and_named(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A row at home points at rows at home."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        animal = Specimen.objects.create(study=study, number=1, individual="N", species="Adelie")
        other = Study.objects.create(code="O")
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        own = Study.objects.create(code="B")
    grant(animal, alpha, beta, "edit")
    client, address = api_of(bea, beta), f"/api/v1/specimens/{animal.pk}/"
    for strange in (own, other):
        answer = client.patch(address, {"study": str(strange.pk)})
        assert (answer.status_code, answer.json()["pointer"]) == (422, "/study")
    grant(other, alpha, beta, "view")
    assert client.patch(address, {"study": str(other.pk)}).status_code == 200


def test_patch__nested_rows__are_refused_by_name(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A grant is about one row."""
    grant(study, alpha, beta, "manage")
    answer = api_of(bea, beta).patch(url(study), {"specimens": [{"number": 1}]})
    assert (answer.status_code, answer.json()["pointer"]) == (403, "/specimens")


def test_patch__row_above_as_an_object__is_refused_by_name(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may change a row makes and changes nothing above it at its home."""
    monkeypatch.setattr(SpecimenViewSet, "nested", {"study": Nested(StudyViewSet)})
    with namespace_scope(alpha), operation(actor=Actor.system("tests")):
        specimen = Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    grant(specimen, alpha, beta, "edit")
    sent = {"study": {"title": "Taken"}}
    answer = api_of(bea, beta).patch(f"/api/v1/specimens/{specimen.pk}/", sent)
    assert (answer.status_code, answer.json()["code"], len(versions(study, alpha))) == (403, "not-shared", 1)


def test_patch__invalid_at_home__is_refused_by_the_rules_of_the_home(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """What is unique at home is unique for everybody who writes there."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.objects.create(code="taken")
    grant(study, alpha, beta, "edit")
    answer = api_of(bea, beta).patch(url(study), {"code": "taken"})
    assert (answer.status_code, answer.json()["code"]) == (409, "unique")


def test_patch__rehearsed__writes_nothing(study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any) -> None:
    """A rehearsal is one through a grant as well."""
    grant(study, alpha, beta, "edit")
    answer = api_of(bea, beta).patch(url(study), {"title": "After"}, prefer="tx=rollback")
    assert (answer.status_code, answer.json()["title"]) == (200, "After")
    assert len(versions(study, alpha)) == 1


def test_manage__delete_restore_and_revert__are_versions_by_the_grant(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """What manages a row does what its owner does, but own it."""
    given, client = grant(study, alpha, beta, "manage"), api_of(bea, beta)
    assert client.delete(url(study)).status_code == 204
    assert client.get(url(study)).status_code == 404
    assert client.post(url(study, "restore"), {}).json()["home"] == "alpha"
    client.patch(url(study), {"title": "After"})
    first = versions(study, alpha)[-1].history_id
    looked = client.post(url(study, "revert"), {"version": first, "dry_run": True}).json()
    done = client.post(url(study, "revert"), {"version": first}).json()
    assert (looked["row"]["title"], done["row"]["title"], done["row"]["home"]) == ("After", "Before", "alpha")
    told = [(v.action, v.via_namespace, v.via_grant == given.pk) for v in versions(study, alpha)]
    actions = ("revert", "update", "restore", "soft_delete")
    assert told == [*((action, "beta", True) for action in actions), ("create", None, False)]


def test_delete__with_rows_that_are_not_shared__is_refused(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A deletion takes along only what could be deleted one by one."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Specimen.objects.create(study=study, number=1, individual="N", species="Adelie")
    given, client = grant(study, alpha, beta, "manage"), api_of(bea, beta)
    assert client.delete(url(study)).status_code == 403
    with operation(actor=Actor.command("share")):
        revoke(given)
    grant(study, alpha, beta, "manage", covers_below=True)
    assert client.delete(url(study)).status_code == 204
    assert client.post(url(study, "restore"), {}).status_code == 200


def test_revert__to_before_the_grant__is_not_found_unless_history_is_shared(
    study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """What was never visible here does not come to light by a revert."""
    first = versions(study, alpha)[0].history_id
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        study.title = "Later"
        study.save()
    given, client = grant(study, alpha, beta, "manage"), api_of(bea, beta)
    assert client.post(url(study, "revert"), {"version": first}).status_code == 404
    Grant.objects.filter(pk=given.pk).update(history="full")
    assert client.post(url(study, "revert"), {"version": first}).json()["row"]["title"] == "Before"


def test_bulk__ids_of_shared_rows__are_not_found_by_index(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Many rows are written at home."""
    grant(study, alpha, beta, "manage")
    client = api_of(bea, beta)
    changed = client.patch("/api/v1/studies/", [{"id": str(study.pk), "title": "After"}])
    removed = client.delete("/api/v1/studies/", [str(study.pk)])
    meant = client.patch('/api/v1/studies/?max_affected=9&where={"code":"A"}', {"title": "After"})
    faults = [answer.json()["errors"][0] for answer in (changed, removed)]
    assert [(each["index"], each["code"]) for each in faults] == [(0, "not-found")] * 2
    assert meant.json() == {"affected": 0}
    assert len(versions(study, alpha)) == 1


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others read code and title of a study, and change its title."""
    smart = replace(Study.smart, view_fields=("code", "title"), edit_fields=("title",))
    monkeypatch.setattr(Study, "smart", smart)


@pytest.mark.parametrize("name", ["code", "notes", "island"])
def test_patch__field_that_is_not_to_be_edited__is_refused_by_name(
    name: str, narrow: None, study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """What is hidden is refused whatever its value, so that nobody finds it by guessing."""
    grant(study, alpha, beta, "edit")
    client = api_of(bea, beta)
    for guess in ("", "x"):
        answer = client.patch(url(study), {name: guess, "title": "After"})
        assert (answer.status_code, answer.json()["pointer"]) == (403, f"/{name}")
    assert len(versions(study, alpha)) == 1


def test_put__fields_that_are_not_to_be_edited__keep_their_values(
    narrow: None, study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A PUT replaces what may be set; the rest need not be named."""
    grant(study, alpha, beta, "edit")
    assert api_of(bea, beta).put(url(study), {"title": "After"}).status_code == 200
    newest = versions(study, alpha)[0]
    assert (newest.code, newest.title) == ("A", "After")


def test_revert__brings_back_only_what_may_be_edited(
    narrow: None, study: Study, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A revert through a grant writes what a change through it could."""
    grant(study, alpha, beta, "manage")
    first = versions(study, alpha)[0].history_id
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        study.title, study.code, study.notes = "After", "Z", "secret"
        study.save()
    done = api_of(bea, beta).post(url(study, "revert"), {"version": first}).json()
    newest = versions(study, alpha)[0]
    assert [change["field"] for change in done["changes"]] == ["title"]
    assert (newest.title, newest.code, newest.notes) == ("Before", "Z", "secret")


def test_patch__home_under_maintenance__waits_as_at_home(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """What its own host would answer."""
    grant(study, alpha, beta, "edit")
    act(life.begin_maintenance, alpha)
    answer = api_of(bea, beta).patch(url(study), {"title": "After"})
    assert (answer.status_code, answer.json()["code"]) == (503, "namespace-maintenance")


@pytest.mark.parametrize(("scope", "status"), [("studies:read", 403), ("studies:write", 200)])
def test_patch__by_a_program__takes_its_scope(
    scope: str, status: int, study: Study, alpha: Any, beta: Any, bea: Any
) -> None:
    """A key that reads does not write through a grant."""
    grant(study, alpha, beta, "edit")
    _, secret = keys.make(beta, bea, [scope])
    client = keys.program(beta, secret)
    answer = client.patch(url(study), {"title": "After"}, content_type="application/json")
    assert answer.status_code == status


def test_patch__through_a_grant__takes_few_queries(
    study: Study, alpha: Any, beta: Any, bea: Any, api_of: Any, django_assert_max_num_queries: Any
) -> None:
    """Four more than an own row: which grant, the row at home, the grant again, held, and the registry."""
    grant(study, alpha, beta, "edit")
    client = api_of(bea, beta)
    with django_assert_max_num_queries(14):
        client.patch(url(study), {"title": "After"})
