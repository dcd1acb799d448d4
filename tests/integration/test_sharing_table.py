"""Who may do what with a row, by how it is shared: every endpoint of a resource, every state, every role.

The cells are statuses. A row that is not visible is not found, whatever is asked of it; what is visible and
may not be done is forbidden, whether the role in the namespace or the grant forbids it.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from shared_apps.sharing.models import Grant
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import history_model
from smartmodels.sharing import leave, revoke, share
from smartmodels.tenancy import life
from smartmodels.tenancy.models import Role
from tenant_apps.research.models import Study
from tests.support.lives import act

UNSEEN = ("pending", "revoked", "expired", "suspended", "left", "declined", "foreign")
SEEN = ("own", "view", "edit", "manage")
READS = ("detail", "activities", "activity_rows")
PAST = ("history", "version", "diff")
WRITES = ("put", "patch", "delete", "restore", "revert", "revert_dry", "comment")

ALLOWED = {
    # verb: what it answers where it may be done, by how the row is shared
    "put": {"own": 200, "edit": 200, "manage": 200},
    "patch": {"own": 200, "edit": 200, "manage": 200},
    "delete": {"own": 204, "manage": 204},
    "restore": {"own": 200, "manage": 200},
    "revert": {"own": 200, "manage": 200},
    "revert_dry": {"own": 200, "manage": 200},
    "comment": {"own": 201, "view": 201, "edit": 201, "manage": 201},
}
FOR_ADMINS = ("delete", "restore", "revert", "revert_dry")
"""What a member of a namespace does only with rows of their own, and so never with those of others."""


def expected(verb: str, state: str, role: str) -> int:
    """The status of a cell, for the members of beta: ``owner``, ``member`` (of nothing there) and ``viewer``."""
    if verb in READS:
        return 200 if state in SEEN else 404
    if verb in WRITES and role == "viewer":
        return 403
    if state not in SEEN:
        return 400 if verb == "comment" else 404
    if role == "member" and verb != "comment" and (state == "own" or verb in FOR_ADMINS):
        return 403
    return ALLOWED[verb].get(state, 403)


@pytest.fixture
def cast(alpha: Any, beta: Any, ana: Any, bea: Any, ben: Any, vic: Any, db: None) -> dict[str, Any]:
    """The members of beta by role; vic views there as well."""
    beta.memberships.get_or_create(user=vic, defaults={"role": Role.VIEWER})
    return {"owner": bea, "member": ben, "viewer": vic}


def make(state: str, alpha: Any, beta: Any, ana: Any, bea: Any) -> Study:
    """A study of somebody else that is shared with beta in this state; its own for ``own``."""
    home, maker = (beta, bea) if state == "own" else (alpha, ana)
    with namespace_scope(home), operation(actor=Actor.user(maker)):
        study: Study = Study.objects.create(code="A", title="Before")
        if state == "pending":
            share(study, beta, role="manage")
        if state in ("own", "foreign", "pending"):
            return study
    role = state if state in SEEN else "manage"
    with namespace_scope(alpha), operation(actor=Actor.command("share")):
        grant = share(study, beta, role=role)
    end(grant, state, alpha)
    return study


def end(grant: Grant, state: str, home: Any) -> None:
    """Let the grant end as the state says."""
    with operation(actor=Actor.command("share")):
        if state == "revoked":
            revoke(grant)
        elif state == "left":
            leave(grant)
        elif state == "suspended":
            act(life.suspend, home)
        elif state == "expired":
            Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now())
        elif state == "declined":
            Grant.objects.filter(pk=grant.pk).update(status="revoked")
            with namespace_scope(home):
                again = share(Study.objects.get(), grant.target, role="manage")
            Grant.objects.filter(pk=again.pk).update(status="revoked")


def ask(client: Any, verb: str, study: Study, home: Any) -> Any:
    """Do it."""
    address = f"/api/v1/studies/{study.pk}/"
    with namespace_scope(home):
        version = history_model(Study).objects.filter(id=study.pk).earliest("history_id").pk
    about = {"resource_type": "research.study", "resource_id": str(study.pk), "kind": "like"}
    calls: dict[str, tuple[str, str, Any]] = {
        "detail": ("get", address, {}),
        "put": ("put", address, {"code": "A", "title": "After"}),
        "patch": ("patch", address, {"title": "After"}),
        "delete": ("delete", address, None),
        "restore": ("post", f"{address}restore/", {}),
        "revert": ("post", f"{address}revert/", {"version": version}),
        "revert_dry": ("post", f"{address}revert/", {"version": version, "dry_run": True}),
        "history": ("get", f"{address}history/", {}),
        "version": ("get", f"{address}history/{version}/", {}),
        "diff": ("get", f"{address}diff/", {}),
        "activities": ("get", f"{address}activities/", {}),
        "activity_rows": ("get", f"{address}activities/rows/", {}),
        "comment": ("post", "/api/v1/activities/", about),
    }
    method, path, body = calls[verb]
    return client.get(path) if method == "get" else getattr(client, method)(path, body)


def cells(verbs: tuple[str, ...]) -> Iterator[Any]:
    """The parameters of the table."""
    for state in (*SEEN, *UNSEEN):
        for verb in verbs:
            yield pytest.param(verb, state, id=f"{verb}-{state}")


@pytest.mark.parametrize("state", [*SEEN, *UNSEEN])
@pytest.mark.parametrize("role", ["owner", "member", "viewer"])
def test_table__each_verb__answers_as_the_grant_and_the_role_say(
    state: str, role: str, cast: Any, alpha: Any, beta: Any, ana: Any, bea: Any, api_of: Any
) -> None:
    """One line of the table: what is refused leaves no version, what is done leaves one."""
    home = beta if state == "own" else alpha
    client, study = api_of(cast[role], beta), make(state, alpha, beta, ana, bea)
    found, wanted, left = {}, {}, {}
    for verb in (*READS, *WRITES):
        before = count_versions(study, home)
        if verb == "restore" and expected("delete", state, role) != 204:
            with namespace_scope(home), operation(actor=Actor.command("test")):
                Study.objects.get(pk=study.pk)
        found[verb], wanted[verb] = ask(client, verb, study, home).status_code, expected(verb, state, role)
        if found[verb] >= 400:
            left[verb] = count_versions(study, home) - before
    assert found == wanted
    assert set(left.values()) <= {0}
