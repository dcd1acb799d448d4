"""Two versions of a row side by side, and a restoration that is only looked at."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

STUDIES, SPECIMENS = "/api/v1/studies/", "/api/v1/specimens/"


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha."""
    return api_of(ana, alpha)


@pytest.fixture
def study(api: Any) -> str:
    """The address of a study with three versions: made, titled, moved to another island."""
    made = api.post(STUDIES, {"code": "PAL0708", "island": "Dream"}).json()
    address = f"{STUDIES}{made['id']}/"
    api.patch(address, {"title": "Adelie"})
    api.patch(address, {"island": "Biscoe"})
    return address


@pytest.fixture
def versions(api: Any, study: str) -> list[dict[str, Any]]:
    """The versions, oldest first."""
    found: list[dict[str, Any]] = api.get(f"{study}history/").json()["results"]
    return found[::-1]


def changes(answer: Any) -> dict[str, tuple[Any, Any]]:
    assert answer.status_code == 200, answer.content
    return {each["field"]: (each["old"], each["new"]) for each in answer.json()["changes"]}


def test_diff__by_default__compares_the_last_two(api: Any, study: str, versions: Any) -> None:
    """The newest with the one before, which the answer names."""
    answer = api.get(f"{study}diff/")
    assert changes(answer) == {"island": ("Dream", "Biscoe")}
    named = {name: answer.json()[name]["version"] for name in ("from", "to")}
    assert named == {"from": versions[1]["version"], "to": versions[2]["version"]}


@pytest.mark.parametrize("by", ["version", "at"])
def test_diff__two_points__compares_these(api: Any, study: str, versions: Any, by: str) -> None:
    """By number and by time; the other way round it is the other way round."""
    points = {"from": versions[0][by], "to": versions[2][by]}
    assert changes(api.get(f"{study}diff/", **points)) == {
        "title": ("", "Adelie"), "island": ("Dream", "Biscoe"),
    }  # fmt: skip
    back = {"from": points["to"], "to": points["from"]}
    assert changes(api.get(f"{study}diff/", **back))["island"] == ("Biscoe", "Dream")


def test_diff__only_to__compares_with_the_version_before(api: Any, study: str, versions: Any) -> None:
    """What that version changed."""
    assert changes(api.get(f"{study}diff/", to=versions[1]["version"])) == {"title": ("", "Adelie")}


def test_diff__from_before_the_row__begins_with_nothing(api: Any, study: str) -> None:
    """Every value is new."""
    answer = api.get(f"{study}diff/", **{"from": "2020-01-01T00:00:00Z"})
    assert (answer.json()["from"], changes(answer)["island"]) == (None, (None, "Biscoe"))


def test_diff__to_before_the_row__is_not_found(api: Any, study: str) -> None:
    """There was nothing to compare."""
    assert api.get(f"{study}diff/", to="2020-01-01T00:00:00Z").status_code == 404


def test_diff__deleted_row__says_so(api: Any, study: str) -> None:
    """The state is compared, too."""
    api.delete(study)
    assert changes(api.get(f"{study}diff/"))["state"] == ("living", "deleted")


def test_diff__values__look_as_in_the_row(api: Any, study: str) -> None:
    """Keys of other rows, dates: what a GET of the row shows."""
    key = study.split("/")[-2]
    made = api.post(SPECIMENS, {"study": key, "number": 1, "individual": "N1", "species": "Adelie"}).json()
    found = changes(api.get(f"{SPECIMENS}{made['id']}/diff/"))
    assert found
    shown = {name: new for name, (_, new) in found.items()}
    assert shown == {name: made[name] for name in shown}
    assert {"owner", "deleted_in", "former_owner"}.isdisjoint(shown)


@pytest.mark.parametrize("point", ["x", "1.5", "2020-99-01T00:00:00Z", "", "\u00b2"])
def test_diff__strange_point__is_refused(api: Any, study: str, point: str) -> None:
    """400, with the parameter named."""
    answer = api.get(f"{study}diff/", **{"from": point})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "from")


def test_diff__version_of_another_row__is_not_found(api: Any, study: str) -> None:
    """A version belongs to one row."""
    other = f"{STUDIES}{api.post(STUDIES, {'code': 'B'}).json()['id']}/"
    number = api.get(f"{other}history/").json()["results"][0]["version"]
    assert api.get(f"{study}diff/", to=number).status_code == 404


def test_diff__row_of_another_namespace__is_not_found(api_of: Any, ben: Any, beta: Any, study: str) -> None:
    """As the row itself."""
    assert api_of(ben, beta).get(f"{study}diff/").status_code == 404


def test_diff__takes_few_queries(api: Any, study: str, versions: Any) -> None:
    """Routing, token, membership, row, two versions."""
    points = {"from": versions[0]["version"], "to": versions[2]["version"]}
    with CaptureQueriesContext(connection) as sent:
        api.get(f"{study}diff/", **points)
    assert len(sent) <= 6, [query["sql"] for query in sent]


# Restoring


def test_restore__dry_run__writes_nothing(api: Any, study: str) -> None:
    """The row as it would be; it is still deleted."""
    api.delete(study)
    answer = api.post(f"{study}restore/", {"dry_run": True})
    assert (answer.status_code, answer.json()["deleted_at"]) == (200, None)
    assert api.get(study).status_code == 404


def test_restore__dry_run__meets_the_same_conflict(api: Any, study: str) -> None:
    """The code is taken meanwhile."""
    api.delete(study)
    api.post(STUDIES, {"code": "PAL0708", "island": "Biscoe"})
    looked, done = (api.post(f"{study}restore/", {"dry_run": dry}) for dry in (True, False))
    assert looked.status_code == done.status_code == 409
    assert looked.json()["code"] == done.json()["code"]


def test_restore__reason__is_kept(api: Any, study: str) -> None:
    """In history."""
    api.delete(study)
    api.post(f"{study}restore/", {"reason": "by mistake"})
    assert api.get(f"{study}history/").json()["results"][0]["reason"] == "by mistake"
