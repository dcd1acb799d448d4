"""Processes that share rows at random between four namespaces, and are killed on the way.

Run as a program, it reads one JSON task per line, does it in a fork that has everything loaded, and answers
with one line: how many steps were done, or "killed".
"""

import json
import random
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from mmap import mmap
from typing import Any

from tests.support.mortal import Fuse, outcome, spawn  # sets Django up

from django.db import DatabaseError, connection, transaction  # isort: skip
from django.utils import timezone  # isort: skip

from shared_apps.namespaces.models import Namespace  # isort: skip
from shared_apps.sharing.models import Grant  # isort: skip
from smartmodels import sharing  # isort: skip
from smartmodels.context import Actor, namespace_scope, operation  # isort: skip
from smartmodels.exceptions import SmartModelsError  # isort: skip
from smartmodels.tenancy import life  # isort: skip
from smartmodels.tenancy.models import Role, State, get_membership_model  # isort: skip
from tenant_apps.research.models import Specimen, Study  # isort: skip

SLUGS = ("alpha", "beta", "gamma", "delta")
Step = Callable[[random.Random], Any]
STEPS: dict[str, Step] = {}


def step(function: Step) -> Step:
    """Register a kind of step."""
    STEPS[function.__name__] = function
    return function


def any_namespace(chance: random.Random) -> Namespace:
    """One of the four, as it is now."""
    return Namespace.objects.get(slug=chance.choice(SLUGS))


def any_row(chance: random.Random, namespace: Namespace, model: Any = None, manager: str = "objects") -> Any:
    """A row of the namespace, or None."""
    with namespace_scope(namespace):
        rows = getattr(model or chance.choice((Study, Specimen)), manager).order_by("pk")
        return rows[chance.randrange(count)] if (count := rows.count()) else None


def any_grant(chance: random.Random, *statuses: str) -> Grant:
    """A grant in one of these statuses, else any; raises SmartModelsError without one."""
    grants = Grant.objects.select_related("home", "target", "resource").order_by("pk")
    found = grants.filter(status__in=statuses) if chance.random() < 0.8 else grants
    if not (count := found.count()):
        raise SmartModelsError("There is none.")
    return found[chance.randrange(count)]


def any_registered(chance: random.Random, home: Namespace) -> Any:
    """Mostly a row that the namespace shares; else, or if it shares none, None."""
    grants = Grant.objects.filter(home=home, status__in=("active", "pending")).order_by("pk")
    if chance.random() < 0.3 or not (count := grants.count()):
        return None
    grant = grants[chance.randrange(count)]
    with namespace_scope(home):
        return {"research.study": Study, "research.specimen": Specimen}[grant.model].all_objects.get(
            pk=grant.row_id
        )


def any_terms(chance: random.Random) -> dict[str, Any]:
    """Terms of a grant."""
    return {
        "role": chance.choice(("view", "edit", "manage")),
        "covers_below": chance.random() < 0.4,
        "may_reshare": chance.random() < 0.4,
        "expires_at": timezone.now() + timedelta(hours=1) if chance.random() < 0.3 else None,
    }


def as_somebody(chance: random.Random, namespace: Namespace) -> Actor:
    """The operator, who speaks for everybody, or the owner of the namespace."""
    if chance.random() < 0.4:
        return Actor.command("share")
    members = get_membership_model().objects.filter(namespace=namespace, role=Role.OWNER)
    return Actor.user(members.select_related("user").order_by("pk")[0].user)


@step
def make(chance: random.Random) -> None:
    """Make a study, or specimens of one."""
    home = any_namespace(chance)
    with operation(actor=as_somebody(chance, home)), namespace_scope(home):
        study = any_row(chance, home, Study)
        if study is None or chance.random() < 0.4:
            Study.objects.create(code=f"{chance.random():.12f}")
        else:
            numbers = range(chance.randrange(1, 4))
            made = [
                Specimen(study=study, number=chance.randrange(10**9), individual="N", species="A")
                for _ in numbers
            ]
            Specimen.objects.bulk_create(made)


@step
def share(chance: random.Random) -> None:
    """Offer a row to one or two, perhaps to nobody."""
    home = any_namespace(chance)
    targets = [chance.choice((any_namespace(chance), "nobody")) for _ in range(chance.randrange(1, 3))]
    row = any_row(chance, home)
    if row is not None:
        with operation(actor=as_somebody(chance, home)), namespace_scope(home):
            sharing.share_many([row], targets, **any_terms(chance))


@step
def set_namespaces(chance: random.Random) -> None:
    """Say where a row is visible, the seed's way."""
    home = any_namespace(chance)
    if (row := any_row(chance, home)) is not None:
        with namespace_scope(home):
            row.namespaces.set([any_namespace(chance), any_namespace(chance)])


@step
def accept(chance: random.Random) -> None:
    """Accept."""
    sharing.accept(any_grant(chance, "pending"))


@step
def decline(chance: random.Random) -> None:
    """Decline."""
    sharing.decline(any_grant(chance, "pending"))


@step
def leave(chance: random.Random) -> None:
    """Give back."""
    sharing.leave(any_grant(chance, "active", "suspended"))


@step
def revoke(chance: random.Random) -> None:
    """Take back."""
    sharing.revoke(any_grant(chance, "active", "pending", "suspended"))


@step
def change(chance: random.Random) -> None:
    """Change the terms."""
    sharing.change_terms(any_grant(chance, "active", "pending"), **any_terms(chance))


@step
def reshare(chance: random.Random) -> None:
    """Pass on."""
    grant = any_grant(chance, "active")
    if grant.target is not None:
        with namespace_scope(grant.target):
            sharing.reshare(grant, any_namespace(chance), role=chance.choice(("view", "edit")))


@step
def expire(chance: random.Random) -> None:
    """Let the time of a grant be over, and note it or not."""
    Grant.objects.filter(pk=any_grant(chance, "active", "pending").pk).update(expires_at=timezone.now())
    if chance.random() < 0.7:
        sharing.expire_grants()


@step
def delete(chance: random.Random) -> None:
    """Delete a row, with what belongs to it."""
    home = any_namespace(chance)
    if (row := any_row(chance, home)) is not None:
        with namespace_scope(home):
            row.delete()


@step
def restore(chance: random.Random) -> None:
    """Restore a deleted row."""
    home = any_namespace(chance)
    if (row := any_row(chance, home, manager="deleted_objects")) is not None:
        with namespace_scope(home):
            row.undelete()


@step
def move(chance: random.Random) -> None:
    """Let a specimen belong to another study."""
    home = any_namespace(chance)
    row, study = any_row(chance, home, Specimen), any_row(chance, home, Study)
    if row is not None and study is not None:
        with namespace_scope(home):
            row.study = study
            row.save()


@step
def raw_sql(chance: random.Random) -> None:
    """Change rows past the ORM: rename, delete, restore, or remove for good."""
    home = any_namespace(chance)
    row = any_registered(chance, home) or any_row(chance, home, manager="all_objects")
    if row is None:
        return
    table, named = row._meta.db_table, "code" if isinstance(row, Study) else "individual"
    deed = chance.choice(
        (
            "UPDATE {} SET " + named + " = 'R' || (random() * 1e6)::int",  # noqa: S608
            "UPDATE {} SET deleted_at = now()",
            "UPDATE {} SET deleted_at = NULL",
            "DELETE FROM {}",
        )
    )
    with namespace_scope(home), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(deed.format(table) + " WHERE id = %s", [row.pk])


@step
def raw_grant(chance: random.Random) -> None:
    """Try to bring a grant into any status past our code; the database judges."""
    status = chance.choice(("pending", "active", "declined", "revoked", "left", "suspended", "expired"))
    grant = any_grant(chance, "active", "pending", "revoked")
    if status != "suspended" and not (status == "active" and grant.target_id is None):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE sharing_grant SET status = %s WHERE id = %s", [status, grant.pk])


@step
def stop_or_start(chance: random.Random) -> None:
    """Suspend, delete or bring back a namespace."""
    namespace = any_namespace(chance)
    if namespace.state == State.ACTIVE:
        chance.choice((life.suspend, life.delete, life.begin_maintenance))(namespace)
    else:
        back = {
            State.SUSPENDED: life.resume,
            State.DELETED: life.undelete,
            State.MAINTENANCE: life.end_maintenance,
        }
        back[State(namespace.state)](namespace)


def run(seed: int, steps: int, statement: int | None, done: Any) -> int:
    """Do so many random steps; be killed before that statement is sent. ``done`` counts along."""
    chance, fuse = random.Random(seed), Fuse(statement)  # noqa: S311 - no secrets

    def execute(send: Callable[..., Any], *details: Any) -> Any:
        fuse.burn()
        return send(*details)

    kinds = [*STEPS, "make", "make", "share", "share", "accept"]
    with connection.execute_wrapper(execute):
        for _ in range(steps):
            try:
                with operation(actor=Actor.command("tests"), nested=False):
                    STEPS[chance.choice(kinds)](chance)
            except (SmartModelsError, DatabaseError) as error:
                if isinstance(error, DatabaseError) and not _is_a_rule(error):
                    raise
            done[0:4] = (int.from_bytes(done[0:4], "little") + 1).to_bytes(4, "little")
    return steps


def _is_a_rule(error: DatabaseError) -> bool:
    """Tell whether a constraint refused it."""
    return str(getattr(error.__cause__, "sqlstate", "")).startswith("23")


def main() -> None:
    """Answer tasks until there are no more."""
    for line in sys.stdin:
        task = json.loads(line)
        with mmap(-1, 4) as done:
            said = outcome(*spawn(partial(run, done=done, **task)))
            print(json.dumps([said, int.from_bytes(done[0:4], "little")]), flush=True)


if __name__ == "__main__":
    main()
