"""Who may do what with a row, by how it is shared: every endpoint of a resource, every state, every role.

The cells are statuses. A row that is not visible is not found, whatever is asked of it; what is visible and
may not be done is forbidden, whether the role in the namespace or the grant forbids it.
"""

from typing import Any

import pytest
from django.utils import timezone

from shared_apps.namespaces.models import Membership
from shared_apps.sharing.models import Grant
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import history_model
from smartmodels.sharing import decline, leave, revoke, share
from smartmodels.tenancy import life
from tenant_apps.research.models import Study
from tests.support.lives import act

SEEN = ("own", "view", "edit", "manage")
UNSEEN = ("pending", "declined", "revoked", "expired", "suspended", "left", "foreign")
READS = ("list", "detail", "activities", "activity_rows")
PAST = ("history", "version", "diff")
GRANTS = "namespaces"
"""Who else sees the row: told to those who manage it."""

WRITES = ("put", "patch", "delete", "restore", "revert_dry", "revert", "comment")

DONE = {
    "put": {"own": 200, "edit": 200, "manage": 200},
    "patch": {"own": 200, "edit": 200, "manage": 200},
    "delete": {"own": 204, "manage": 204},
    "restore": {"own": 200, "manage": 200},
    "revert_dry": {"own": 200, "manage": 200},
    "revert": {"own": 200, "manage": 200},
    "comment": {"own": 201, "view": 201, "edit": 201, "manage": 201},
}
"""What each verb answers where it may be done, by how the row is visible."""

OF_ADMINS = ("delete", "restore", "revert_dry", "revert")
"""What takes an owner or admin of the namespace, besides a grant to manage."""

CLOSED = "closed"
"""403 or 404: versions of a shared row, whose history is not shared with it."""


def expected(verb: str, state: str, role: str) -> int | str:
    """The cell, for a member of beta who owns no rows there, unless as the owner of beta."""
    if verb in WRITES and role == "viewer":
        return 403
    if state in UNSEEN:
        return 400 if verb == "comment" else 404
    if verb == GRANTS:
        return 200 if state in ("own", "manage") else 403
    if verb in (*READS, *PAST):
        return CLOSED if verb in PAST and state != "own" else 200
    if role == "member" and verb != "comment" and (state == "own" or verb in OF_ADMINS):
        return 403
    return DONE[verb].get(state, 403)


@pytest.fixture
def members(beta: Any, bea: Any, ben: Any, vic: Any) -> dict[str, Any]:
    """People of beta by their role there; vic views it as well."""
    Membership.objects.create(namespace=beta, user=vic, role="viewer")
    return {"owner": bea, "member": ben, "viewer": vic}


@pytest.fixture
def state(request: Any) -> str:
    """How the study is visible in beta."""
    given: str = request.param
    return given


@pytest.fixture
def study(state: str, alpha: Any, beta: Any, ana: Any, bea: Any) -> Study:
    """A study of alpha that is shared with beta in this state; for ``own`` one of beta."""
    home, maker = (beta, bea) if state == "own" else (alpha, ana)
    with namespace_scope(home), operation(actor=Actor.user(maker)):
        made: Study = Study.objects.create(code="A", title="Before")
        offer = share(made, beta, role="manage") if state in ("pending", "declined") else None
    if state == "declined":
        with operation(actor=Actor.user(bea)):
            decline(offer)
    if offer is None and state not in ("own", "foreign"):
        with namespace_scope(alpha), operation(actor=Actor.command("share")):
            end(share(made, beta, role=state if state in SEEN else "manage"), state)
    return made


def end(grant: Grant, state: str) -> None:
    """Let the grant come to the end that the state names."""
    if state == "revoked":
        revoke(grant)
    elif state == "left":
        leave(grant)
    elif state == "suspended":
        act(life.suspend, grant.home)
    elif state == "expired":
        Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now())


def versions(study: Study, home: Any) -> list[int]:
    """The numbers of the versions of the study, oldest first."""
    with namespace_scope(home):
        found = history_model(Study).objects.filter(id=study.pk).order_by("history_id")
        return list(found.values_list("history_id", flat=True))


def ask(client: Any, verb: str, study: Study, first: int) -> int:
    """Do it, and return the status; a list without the study has not found it."""
    address = f"/api/v1/studies/{study.pk}/"
    about = {"resource_type": "research.study", "resource_id": str(study.pk), "kind": "like"}
    reads = {
        "list": "/api/v1/studies/", "detail": address, "history": f"{address}history/",
        "version": f"{address}history/{first}/", "diff": f"{address}diff/",
        "activities": f"{address}activities/", "activity_rows": f"{address}activities/rows/",
        GRANTS: f"{address}namespaces/",
    }  # fmt: skip
    if verb in reads:
        answer = client.get(reads[verb])
        unlisted = verb == "list" and not answer.json()["results"]
        return 404 if unlisted else int(answer.status_code)
    writes = {
        "put": ("put", address, {"code": "A", "title": "After"}),
        "patch": ("patch", address, {"title": "Later"}),
        "delete": ("delete", address, None),
        "restore": ("post", f"{address}restore/", {}),
        "revert_dry": ("post", f"{address}revert/", {"version": first, "dry_run": True}),
        "revert": ("post", f"{address}revert/", {"version": first}),
        "comment": ("post", "/api/v1/activities/", about),
    }
    method, path, body = writes[verb]
    return int(getattr(client, method)(path, body).status_code)


@pytest.mark.parametrize("role", ["owner", "member", "viewer"])
@pytest.mark.parametrize("state", [*SEEN, *UNSEEN], indirect=True)
def test_table__every_verb__answers_as_grant_and_role_say(
    state: str, role: str, study: Study, members: Any, alpha: Any, beta: Any, api_of: Any
) -> None:
    """A line of the table; what is refused, or only looked at, leaves no version."""
    home = beta if state == "own" else alpha
    client, first = api_of(members[role], beta), versions(study, home)[0]
    found: dict[str, int | str] = {}
    for verb in (*READS, *PAST, GRANTS, *WRITES):
        before = versions(study, home)
        status = ask(client, verb, study, first)
        closed = expected(verb, state, role) == CLOSED and status in (403, 404)
        found[verb] = CLOSED if closed else status
        written = versions(study, home) != before
        assert written == (verb in WRITES and verb not in ("revert_dry", "comment") and status < 300), verb
    assert found == {verb: expected(verb, state, role) for verb in found}
