"""Versions over HTTP, and the way back to one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

STUDIES = "/api/v1/studies/"


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


def versions(api: Any, address: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"{address}history/", **query).json()["results"]
    return found


def revert(api: Any, address: str, **body: Any) -> Any:
    return api.post(f"{address}revert/", body)


# Reading


def test_history__changed_twice__lists_newest_first(api: Any, study: str) -> None:
    """Each version says what it changed."""
    assert [version["changed"] for version in versions(api, study)] == [["island"], ["title"], []]


def test_history__version__says_who(api: Any, study: str, ana: Any) -> None:
    """The actor is named by kind, label and key."""
    assert versions(api, study)[0]["actor"] == {"kind": "user", "label": ana.email, "user": str(ana.pk)}


def test_history__one_request__is_one_operation(api: Any, study: str) -> None:
    """The operation is the id that the request was answered with."""
    answer = api.patch(study, {"title": "Gentoo"})
    assert versions(api, study)[0]["operation"] == answer["X-Request-Id"]


def test_history__page__knows_what_its_last_version_changed(api: Any, study: str) -> None:
    """The oldest version on a page is compared with the one behind it."""
    assert [version["changed"] for version in versions(api, study, limit=1, offset=1)] == [["title"]]


def test_history__deleted_row__goes_on(api: Any, study: str) -> None:
    """What is deleted has a history, which says so."""
    api.delete(study)
    assert versions(api, study)[0]["action"] == "soft_delete"


def test_history__many_versions__takes_as_many_queries(api: Any, study: str) -> None:
    """Routing, token, membership, row, count, versions: whatever their number."""
    for number in range(20):
        api.patch(study, {"title": str(number)})
    with CaptureQueriesContext(connection) as sent:
        assert len(versions(api, study)) == 23
    assert len(sent) <= 6, [query["sql"] for query in sent]


def test_version__first__has_no_previous(api: Any, study: str) -> None:
    """Nothing comes before the creation."""
    first = versions(api, study)[-1]["version"]
    assert api.get(f"{study}history/{first}/").json()["previous"] is None


def test_version__later__shows_old_and_new(api: Any, study: str) -> None:
    """The difference to the version before, by field."""
    second = versions(api, study)[1]["version"]
    assert api.get(f"{study}history/{second}/").json()["changes"] == [
        {"field": "title", "label": "title", "old": "", "new": "Adelie"}
    ]


def test_version__earlier__shows_the_row_as_it_was(api: Any, study: str) -> None:
    """The values are those of that time."""
    first = versions(api, study)[-1]["version"]
    assert api.get(f"{study}history/{first}/").json()["values"]["island"] == "Dream"


@pytest.mark.parametrize("version", ["0", "x", "-1", "99999999", "9" * 19, "9" * 30, "1.0"])
def test_version__unknown__is_not_found(api: Any, study: str, version: str) -> None:
    """A number that is no version of this row is 404."""
    assert api.get(f"{study}history/{version}/").status_code == 404


def test_version__of_another_row__is_not_found(api: Any, study: str) -> None:
    """A version belongs to one row."""
    other = api.post(STUDIES, {"code": "PAL0809"}).json()
    number = versions(api, f"{STUDIES}{other['id']}/")[0]["version"]
    assert api.get(f"{study}history/{number}/").status_code == 404


# Reverting


def test_revert__to_the_first__brings_its_values_back(api: Any, study: str) -> None:
    """The row is as it was."""
    first = versions(api, study)[-1]["version"]
    row = revert(api, study, version=first).json()["row"]
    assert (row["title"], row["island"]) == ("", "Dream")


def test_revert__applied__is_a_version_of_its_own(api: Any, study: str) -> None:
    """History grows; it says what was done, why, and what it went back to."""
    first = versions(api, study)[-1]["version"]
    revert(api, study, version=first, reason="wrong island")
    newest = versions(api, study)[0]
    assert (newest["action"], newest["reason"], newest["reverted_from"]) == ("revert", "wrong island", first)


def test_revert__dry_run__says_what_would_change(api: Any, study: str) -> None:
    """The plan names every field with old and new value."""
    second = versions(api, study)[1]["version"]
    assert revert(api, study, version=second, dry_run=True).json()["changes"] == [
        {"field": "island", "label": "island", "old": "Biscoe", "new": "Dream"}
    ]


def test_revert__dry_run__writes_nothing(api: Any, study: str) -> None:
    """Looking leaves no version."""
    first = versions(api, study)[-1]["version"]
    revert(api, study, version=first, dry_run=True)
    assert len(versions(api, study)) == 3


def test_revert__values_posted__are_refused(api: Any, study: str) -> None:
    """A revert takes values from history and from nowhere else."""
    first = versions(api, study)[-1]["version"]
    assert revert(api, study, version=first, title="smuggled").json()["errors"][0]["pointer"] == "/title"


def test_revert__of_a_revert__is_possible(api: Any, study: str) -> None:
    """Going back can itself be taken back."""
    newest, *_, first = (version["version"] for version in versions(api, study))
    revert(api, study, version=first)
    assert revert(api, study, version=newest).json()["row"]["island"] == "Biscoe"


def test_revert__deleted_row__restores_it(api: Any, study: str) -> None:
    """Back to a living version means back to life."""
    newest = versions(api, study)[0]["version"]
    api.delete(study)
    revert(api, study, version=newest)
    assert api.get(study).status_code == 200


def test_revert__value_taken_meanwhile__conflicts(api: Any, study: str) -> None:
    """A conflict is reported before anything is written."""
    first = versions(api, study)[-1]["version"]
    api.post(STUDIES, {"code": "PAL0708", "island": "Dream"})
    assert revert(api, study, version=first).json()["code"] == "revert-conflict"


def test_revert__conflict_previewed__is_listed(api: Any, study: str) -> None:
    """A dry run answers 200 with the conflicts."""
    first = versions(api, study)[-1]["version"]
    api.post(STUDIES, {"code": "PAL0708", "island": "Dream"})
    preview = revert(api, study, version=first, dry_run=True)
    assert (preview.status_code, len(preview.json()["conflicts"])) == (200, 1)


def test_revert__version_of_another_row__is_not_found(api: Any, study: str) -> None:
    """Nothing of another row can be brought here."""
    other = api.post(STUDIES, {"code": "PAL0809"}).json()
    number = versions(api, f"{STUDIES}{other['id']}/")[0]["version"]
    assert revert(api, study, version=number).status_code == 404


@pytest.mark.parametrize("version", [None, 0, -1, "x", 2**63, 1e400, [], True, "9" * 2000])
def test_revert__version_malformed__is_refused(api: Any, study: str, version: Any) -> None:
    """What is no number of a version is 400 (or, for one that could be, 404)."""
    assert revert(api, study, version=version).status_code in (400, 404)


@pytest.mark.parametrize("person", ["ben", "vic"])
def test_revert__somebody_elses_row__is_forbidden(
    request: pytest.FixtureRequest, api_of: Callable[..., Any], api: Any, alpha: Any, study: str, person: str
) -> None:
    """Neither a member nor a viewer reverts what is not theirs."""
    first = versions(api, study)[-1]["version"]
    other = api_of(request.getfixturevalue(person), alpha)
    assert revert(other, study, version=first).status_code == 403


@pytest.mark.parametrize("person", ["ben", "vic"])
def test_revert__forbidden__leaves_the_row(
    request: pytest.FixtureRequest, api_of: Callable[..., Any], api: Any, alpha: Any, study: str, person: str
) -> None:
    """A refusal changes nothing."""
    before = api.get(study).json()
    first = versions(api, study)[-1]["version"]
    revert(api_of(request.getfixturevalue(person), alpha), study, version=first)
    assert api.get(study).json() == before
