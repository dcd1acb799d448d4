"""The endpoints of a smart model: create, retrieve, update, delete, restore."""

from collections.abc import Callable
from typing import Any

import pytest

from smartmodels.context import namespace_scope
from smartmodels.ownership import sentinel_id
from tenant_apps.research.models import Study

STUDIES = "/api/v1/studies/"


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha."""
    return api_of(ana, alpha)


@pytest.fixture
def study(api: Any) -> dict[str, Any]:
    """A study that ana made."""
    return api.post(STUDIES, {"code": "PAL0708", "island": "Dream"}).json()


def address(row: dict[str, Any], ending: str = "") -> str:
    return f"{STUDIES}{row['id']}/{ending}"


def pointers(response: Any) -> dict[str, str]:
    """Where the faults are, and their codes."""
    return {fault["pointer"]: fault["code"] for fault in response.json()["errors"]}


# Create


def test_create__valid__answers_201(api: Any) -> None:
    """A new row is said to be created."""
    assert api.post(STUDIES, {"code": "PAL0708"}).status_code == 201


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(("field", "value"), [("code", 7), ("title", True), ("notes", 1.5), ("island", 0)])
def test_create__another_json_type__is_refused(api: Any, many: bool, field: str, value: Any) -> None:
    """A number is no text, for one row and for many."""
    row = {"code": "PAL0708", field: value}
    answer = api.post(STUDIES, [row] if many else row)
    place = f"/0/{field}" if many else f"/{field}"
    assert (answer.status_code, pointers(answer)) == (400, {place: "wrong-type"})


def test_create__valid__names_the_address_of_the_row(api: Any) -> None:
    """Location is where the row can be read."""
    made = api.post(STUDIES, {"code": "PAL0708"})
    assert api.get(made["Location"]).json() == made.json()


def test_create__valid__belongs_to_the_caller(study: dict[str, Any], ana: Any) -> None:
    """Owner and author are whoever asked."""
    assert (study["owner"], study["created_by"]) == (str(ana.pk), str(ana.pk))


def test_create__unknown_field__is_refused(api: Any) -> None:
    """A misspelt name is an error, with a pointer, and not ignored."""
    assert pointers(api.post(STUDIES, {"code": "x", "islnd": "Dream"})) == {"/islnd": "unknown-field"}


@pytest.mark.parametrize(
    "name", ["id", "owner", "created_at", "created_by", "updated_at", "updated_by", "deleted_at"]
)
def test_create__smart_field_given__is_refused(api: Any, ana: Any, name: str) -> None:
    """What the platform fills in cannot be posted."""
    answer = api.post(STUDIES, {"code": "x", name: str(ana.pk)})
    assert (answer.status_code, pointers(answer)) == (400, {f"/{name}": "read-only-field"})


@pytest.mark.parametrize("name", ["former_owner_id", "deleted_in", "deleted_by", "pk", "owner_id"])
def test_create__hidden_column__is_refused(api: Any, ana: Any, name: str) -> None:
    """Columns that are not shown cannot be set either."""
    assert pointers(api.post(STUDIES, {"code": "x", name: str(ana.pk)})) == {f"/{name}": "unknown-field"}


def test_create__several_mistakes__reports_all(api: Any) -> None:
    """Every mistake is reported at once."""
    answer = api.post(STUDIES, {"title": "x" * 201, "owner": None, "colour": 1})
    assert pointers(answer) == {
        "/code": "required",
        "/title": "max-length",
        "/owner": "read-only-field",
        "/colour": "unknown-field",
    }


def test_create__value_taken__conflicts(api: Any, study: dict[str, Any]) -> None:
    """What must be unique among the living is a conflict that names the fields."""
    answer = api.post(STUDIES, {"code": study["code"], "island": study["island"]})
    assert (answer.status_code, pointers(answer)) == (409, {"/code": "unique", "/island": "unique"})


def test_create__value_of_a_deleted_row__is_free(api: Any, study: dict[str, Any]) -> None:
    """Deleted rows do not count for uniqueness."""
    api.delete(address(study))
    assert api.post(STUDIES, {"code": study["code"], "island": study["island"]}).status_code == 201


def test_create__parent_unknown__is_refused(api: Any, study: dict[str, Any]) -> None:
    """A reference to nothing is a fault of that field."""
    answer = api.post(
        "/api/v1/specimens/",
        {
            "study": "00000000-0000-7000-8000-00000000ffff",
            "number": 1,
            "individual": "N1",
            "species": "Adelie",
        },
    )
    assert (answer.status_code, pointers(answer)) == (400, {"/study": "does-not-exist"})


def test_create__parent_deleted__is_refused(api: Any, study: dict[str, Any]) -> None:
    """Nothing can be added to what is deleted."""
    api.delete(address(study))
    answer = api.post(
        "/api/v1/specimens/", {"study": study["id"], "number": 1, "individual": "N1", "species": "Adelie"}
    )
    assert pointers(answer) == {"/study": "does-not-exist"}


@pytest.mark.parametrize("key", [True, 7, 2**200, 1.5, "x", [], {}, ""])
def test_create__parent_no_uuid__is_refused(api: Any, key: Any) -> None:
    """Whatever stands where a key should be, the answer is 400."""
    answer = api.post(
        "/api/v1/specimens/", {"study": key, "number": 1, "individual": "N1", "species": "Adelie"}
    )
    assert (answer.status_code, list(pointers(answer))) == (400, ["/study"])


def test_create__reason_given__is_kept_in_history(api: Any, alpha: Any) -> None:
    """X-Reason, in UTF-8, is the reason of the version."""
    made = api._client.post(
        STUDIES,
        {"code": "x"},
        content_type="application/json",
        headers={"x-reason": "z\u00e4hlung".encode().decode("latin-1")},
    )
    versions = api.get(address(made.json(), "history/")).json()["results"]
    assert versions[0]["reason"] == "z\u00e4hlung"


@pytest.mark.parametrize("reason", ["x" * 501, "\xff\xfe"])
def test_create__reason_unusable__is_refused(api: Any, reason: str) -> None:
    """A reason that cannot be kept is a fault of its header."""
    answer = api._client.post(
        STUDIES, {"code": "x"}, content_type="application/json", headers={"x-reason": reason}
    )
    assert (answer.status_code, answer.json()["errors"][0]["header"]) == (400, "X-Reason")


# Update


def test_patch__one_field__changes_only_that(api: Any, study: dict[str, Any]) -> None:
    """The other fields keep their values."""
    changed = api.patch(address(study), {"title": "Adelie"}).json()
    assert changed == {**study, "title": "Adelie", "updated_at": changed["updated_at"]}


def test_patch__same_value__leaves_no_version(api: Any, study: dict[str, Any]) -> None:
    """A write that changes nothing writes nothing."""
    api.patch(address(study), {"island": "Dream"})
    assert api.get(address(study, "history/")).json()["count"] == 1


def test_put__as_it_was_read__is_accepted(api: Any, study: dict[str, Any]) -> None:
    """Read, edit, send back: the smart fields may come along unchanged."""
    assert api.put(address(study), {**study, "title": "Adelie"}).status_code == 200


def test_put__required_field_left_out__is_refused(api: Any, study: dict[str, Any]) -> None:
    """A replacement is complete."""
    assert pointers(api.put(address(study), {"title": "x"})) == {"/code": "required"}


def test_patch__another_owner__is_refused(api: Any, study: dict[str, Any], ben: Any) -> None:
    """Nobody is made owner by a write."""
    assert pointers(api.patch(address(study), {"owner": str(ben.pk)})) == {"/owner": "read-only-field"}


def test_patch__value_taken__conflicts(api: Any, study: dict[str, Any]) -> None:
    """Uniqueness holds for updates, too."""
    other = api.post(STUDIES, {"code": "PAL0809", "island": "Dream"}).json()
    assert api.patch(address(other), {"code": "PAL0708"}).status_code == 409


# Delete and restore


def test_delete__row__answers_204(api: Any, study: dict[str, Any]) -> None:
    """There is nothing to say about a deleted row."""
    assert api.delete(address(study)).status_code == 204


def test_delete__row__is_soft(api: Any, study: dict[str, Any], alpha: Any) -> None:
    """The row stays in the table, owned by the sentinel."""
    api.delete(address(study))
    with namespace_scope(alpha):
        assert Study.deleted_objects.get(pk=study["id"]).owner_id == sentinel_id()


@pytest.mark.parametrize("method", ["get", "delete", "patch", "put"])
def test_any__deleted_row__is_not_found(api: Any, study: dict[str, Any], method: str) -> None:
    """A deleted row is not there, unless it is asked for among the deleted."""
    api.delete(address(study))
    assert getattr(api, method)(address(study)).status_code == 404


def test_retrieve__deleted_asked_for__finds_it(api: Any, study: dict[str, Any]) -> None:
    """?deleted=true looks among the deleted."""
    api.delete(address(study))
    assert api.get(address(study), deleted="true").json()["deleted_at"] is not None


def test_restore__deleted_row__is_as_before(api: Any, study: dict[str, Any]) -> None:
    """Everything but the time of the last change is as it was."""
    api.delete(address(study))
    restored = api.post(address(study, "restore/")).json()
    assert restored == {**study, "updated_at": restored["updated_at"]}


def test_restore__living_row__changes_nothing(api: Any, study: dict[str, Any]) -> None:
    """Restoring is idempotent."""
    assert api.post(address(study, "restore/")).json() == study


def test_restore__value_taken_meanwhile__conflicts(api: Any, study: dict[str, Any]) -> None:
    """A living row that took the place is not pushed aside."""
    api.delete(address(study))
    api.post(STUDIES, {"code": study["code"], "island": study["island"]})
    assert api.post(address(study, "restore/")).json()["code"] == "restore-conflict"


@pytest.mark.parametrize("key", ["x", "1", "00000000-0000-7000-8000-00000000ffff", "%00", "a" * 300])
def test_any__key_unknown_or_malformed__is_not_found(api: Any, key: str) -> None:
    """A key that names nothing is 404, whatever it looks like."""
    assert api.get(f"{STUDIES}{key}/").status_code == 404
