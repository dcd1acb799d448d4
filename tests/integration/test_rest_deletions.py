"""A deletion takes along only what the caller may delete."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenant_apps.research.viewsets import StudyViewSet

STUDIES = "/api/v1/studies/"
SPECIMENS = "/api/v1/specimens/"
Api = Callable[..., Any]


def make_specimen(api: Any, study: str, number: int = 1) -> str:
    """Add a specimen to the study; return its address."""
    key = study.removeprefix(STUDIES).strip("/")
    answer = api.post(SPECIMENS, {"study": key, "number": number, "individual": "N1A1", "species": "Adelie"})
    assert answer.status_code == 201, answer.content
    return f"{SPECIMENS}{answer.json()['id']}/"


@pytest.fixture
def of_ben(api_of: Api, ben: Any, alpha: Any) -> str:
    """The address of a study that ben, a member, made."""
    made = api_of(ben, alpha).post(STUDIES, {"code": "BEN"}).json()
    return f"{STUDIES}{made['id']}/"


def test_delete__with_rows_of_another_below__is_forbidden(
    api_of: Api, ana: Any, ben: Any, alpha: Any, of_ben: str
) -> None:
    """A member does not delete by cascade what they may not delete one by one."""
    make_specimen(api_of(ana, alpha), of_ben)
    answer = api_of(ben, alpha).delete(of_ben)
    assert (answer.status_code, "specimens of other people" in answer.json()["detail"]) == (403, True)


def test_delete__refused_for_the_rows_below__changes_nothing(
    api_of: Api, ana: Any, ben: Any, alpha: Any, of_ben: str
) -> None:
    """Both the row and what is below it are still there."""
    specimen = make_specimen(api_of(ana, alpha), of_ben)
    api_of(ben, alpha).delete(of_ben)
    assert [api_of(ben, alpha).get(path).status_code for path in (of_ben, specimen)] == [200, 200]


def test_delete__with_own_rows_below__takes_them_along(
    api_of: Api, ben: Any, alpha: Any, of_ben: str
) -> None:
    """What is all one's own goes as a whole."""
    specimen = make_specimen(api_of(ben, alpha), of_ben)
    assert api_of(ben, alpha).delete(of_ben).status_code == 204
    assert api_of(ben, alpha).get(specimen).status_code == 404


def test_delete__by_a_manager__takes_rows_of_anybody_along(
    api_of: Api, ana: Any, ben: Any, alpha: Any, of_ben: str
) -> None:
    """The owner of the namespace deletes everybody's rows."""
    make_specimen(api_of(ben, alpha), of_ben)
    assert api_of(ana, alpha).delete(of_ben).status_code == 204


def test_delete__where_everybody_writes_every_row__takes_all_along(
    api_of: Api, ana: Any, ben: Any, alpha: Any, of_ben: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view that opts out of ownership opts out of it for what is below, too."""
    make_specimen(api_of(ana, alpha), of_ben)
    monkeypatch.setattr(StudyViewSet, "owner_writes_only", False)
    assert api_of(ben, alpha).delete(of_ben).status_code == 204


def test_delete__with_many_rows_below__takes_as_many_queries_as_with_one(
    api_of: Api, ben: Any, alpha: Any
) -> None:
    """The check asks once per kind of row, however many there are."""
    api, counts = api_of(ben, alpha), []
    for specimens in (1, 8):
        study = STUDIES + api.post(STUDIES, {"code": f"N{specimens}"}).json()["id"] + "/"
        for number in range(specimens):
            make_specimen(api, study, number)
        with CaptureQueriesContext(connection) as seen:
            assert api.delete(study).status_code == 204
        counts.append(len(seen))
    assert (counts[0] == counts[1], counts[0] <= 40) == (True, True), counts


def test_restore__with_rows_of_another_below__is_forbidden(
    api_of: Api, ana: Any, ben: Any, alpha: Any, of_ben: str
) -> None:
    """A member does not bring back what an admin deleted of others."""
    make_specimen(api_of(ana, alpha), of_ben)
    api_of(ana, alpha).delete(of_ben)
    answer = api_of(ben, alpha).post(f"{of_ben}restore/", {})
    assert (answer.status_code, "specimens of other people" in answer.json()["detail"]) == (403, True)


def test_restore__with_own_rows_below__brings_them_back(
    api_of: Api, ana: Any, ben: Any, alpha: Any, of_ben: str
) -> None:
    """What is all one's own comes back as a whole, whoever deleted it."""
    specimen = make_specimen(api_of(ben, alpha), of_ben)
    api_of(ana, alpha).delete(of_ben)
    assert api_of(ben, alpha).post(f"{of_ben}restore/", {}).status_code == 200
    assert api_of(ben, alpha).get(specimen).status_code == 200


def test_revert__of_a_deleted_row_with_rows_of_another_below__is_forbidden(
    api_of: Api, ana: Any, ben: Any, alpha: Any, of_ben: str
) -> None:
    """Nor by going back to a version from before the deletion."""
    make_specimen(api_of(ana, alpha), of_ben)
    version = api_of(ben, alpha).get(f"{of_ben}history/").json()["results"][-1]["version"]
    api_of(ana, alpha).delete(of_ben)
    answer = api_of(ben, alpha).post(f"{of_ben}revert/", {"version": version})
    assert answer.status_code == 403
