"""What people do with rows that others share: kept at their home, for as long as the grant holds."""

from dataclasses import replace
from typing import Any

import pytest

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import history_model
from smartmodels.sharing import revoke, share
from tenant_apps.activities.models import Activity
from tenant_apps.research.models import Study


@pytest.fixture
def study(alpha: Any, ana: Any) -> Study:
    """A study of alpha."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        made: Study = Study.objects.create(code="A")
    return made


@pytest.fixture
def grant(study: Study, alpha: Any, beta: Any) -> Any:
    """Consent of both sides that beta sees it."""
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        return share(study, beta)


def say(client: Any, study: Study, kind: str = "comment", text: str = "Nice") -> Any:
    """Comment, or do something else, in the namespace of the client."""
    body = {"resource_type": "research.study", "resource_id": str(study.pk), "kind": kind}
    return client.post("/api/v1/activities/", {**body, "text": text} if text else body)


def listed(client: Any, study: Study) -> list[str]:
    """The texts that are listed at the study."""
    page = client.get(f"/api/v1/studies/{study.pk}/activities/rows/").json()
    return [row["text"] for row in page["results"]]


def counted(client: Any, study: Study, kind: str = "comment") -> int:
    """How many of a kind the summary counts."""
    count: int = client.get(f"/api/v1/studies/{study.pk}/activities/").json()["counts"][kind]
    return count


def test_comment__on_a_shared_row__is_kept_at_its_home(
    study: Study, grant: Any, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """With who, through whom and by which grant."""
    answer = say(api_of(bea, beta), study)
    assert (answer.status_code, answer.json()["via"]) == (201, "beta")
    with namespace_scope(alpha):
        kept, version = Activity.objects.get(), history_model(Activity).objects.get()
    assert (kept.created_by_id, version.via_namespace, version.via_grant) == (bea.pk, "beta", grant.pk)
    with namespace_scope(beta):
        assert not Activity.objects.exists()


def test_comment__on_a_shared_row__is_found_where_it_says(
    study: Study, grant: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Its address is below that of the row."""
    client = api_of(bea, beta)
    assert client.get(say(client, study).headers["Location"]).json()["text"] == "Nice"


def test_comments__of_the_home__are_not_listed_elsewhere(
    study: Study, grant: Any, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Who sees a row does not see what its home says about it; the home sees and counts everything."""
    home, target = api_of(ana, alpha), api_of(bea, beta)
    say(home, study, text="Ours")
    say(target, study, text="Theirs")
    assert (listed(home, study), listed(target, study)) == (["Theirs", "Ours"], ["Theirs"])
    assert (counted(home, study), counted(target, study)) == (2, 1)


def test_vote__on_a_shared_row__can_be_turned_round(
    study: Study, grant: Any, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """Everybody has one vote on a row, through whatever they came."""
    client = api_of(bea, beta)
    assert say(client, study, "up_vote", "").status_code == 201
    assert say(client, study, "down_vote", "").status_code == 200
    assert counted(api_of(ana, alpha), study, "down_vote") == 1


def test_comment__by_its_author__is_deleted_elsewhere(
    study: Study, grant: Any, beta: Any, bea: Any, ben: Any, api_of: Any
) -> None:
    """By nobody else there."""
    client = api_of(ben, beta)
    address = say(client, study).headers["Location"]
    assert api_of(bea, beta).delete(address).status_code == 403
    assert client.delete(address).status_code == 204
    assert listed(client, study) == []


def test_comment__by_an_admin_of_the_home__is_deleted_there(
    study: Study, grant: Any, alpha: Any, ana: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """The home decides what stands at its rows."""
    target = api_of(bea, beta)
    address = say(target, study).headers["Location"]
    assert api_of(ana, alpha).delete(address).status_code == 204
    assert listed(target, study) == []


def test_comment__after_revocation__is_neither_made_nor_seen(
    study: Study, grant: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """S3 holds for what belongs to the row as well."""
    client = api_of(bea, beta)
    address = say(client, study).headers["Location"]
    with operation(actor=Actor.command("share")):
        revoke(grant)
    seen = [
        client.get(address),
        client.delete(address),
        client.get(f"/api/v1/studies/{study.pk}/activities/"),
    ]
    assert (say(client, study).status_code, [each.status_code for each in seen]) == (400, [404] * 3)


def test_comment__rehearsed__is_not_kept(
    study: Study, grant: Any, alpha: Any, beta: Any, bea: Any, api_of: Any
) -> None:
    """A rehearsal writes nothing at home either."""
    body = {"resource_type": "research.study", "resource_id": str(study.pk), "kind": "like"}
    assert api_of(bea, beta).post("/api/v1/activities/", body, prefer="tx=rollback").status_code == 201
    with namespace_scope(alpha):
        assert not Activity.objects.exists()


def test_comment__where_the_model_asks_for_more__is_refused(
    study: Study, grant: Any, beta: Any, bea: Any, api_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model may want a grant to edit for it, or nobody's comments."""
    for role in ("edit", ""):
        monkeypatch.setattr(Study, "smart", replace(Study.smart, comment_role=role))
        assert say(api_of(bea, beta), study).status_code == 403
