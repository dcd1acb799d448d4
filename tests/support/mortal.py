"""Processes that make or migrate namespaces and are killed on the way, or race for one slug.

Run as a program, it reads one JSON task per line and answers each with one line. Every task runs in forks of
this process, which has everything loaded already: that makes a kill cost a fraction of a second.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import django

django.setup()

import psycopg  # noqa: E402
from django.db import connection, connections  # noqa: E402

from shared_apps.accounts.models import User  # noqa: E402
from shared_apps.namespaces.models import Namespace  # noqa: E402
from smartmodels.context import Actor, operation  # noqa: E402
from smartmodels.exceptions import SmartModelsError  # noqa: E402
from smartmodels.tenancy.engine.cursor import ScopedCursor  # noqa: E402
from smartmodels.tenancy.migrating import running  # noqa: E402
from smartmodels.tenancy.migrating.options import MigrationOptions  # noqa: E402
from smartmodels.tenancy.migrating.planning import Plans, keys_of  # noqa: E402
from smartmodels.tenancy.migrating.states import SchemaState  # noqa: E402
from smartmodels.tenancy.provisioning import provision  # noqa: E402


class Fuse:
    """Kills its process, as kill -9 does, when it is passed for the n-th time."""

    def __init__(self, length: int | None) -> None:
        self.passed = 0
        self._length = length

    def burn(self) -> None:
        self.passed += 1
        if self.passed == self._length:
            os.kill(os.getpid(), signal.SIGKILL)


def make(
    slug: str, *, step: int | None = None, statement: int | None = None, answered: int | None = None
) -> tuple[int, int]:
    """Make a namespace; be killed when that step begins, before that statement is sent, or after its answer.

    Returns how many steps and statements it took.
    """
    steps, statements, answers = Fuse(step), Fuse(statement), Fuse(answered)

    def execute(run: Callable[..., Any], *details: Any) -> Any:
        statements.burn()
        answer = run(*details)
        answers.burn()
        return answer

    owner = User.objects.get(email="ana@example.org")
    with operation(actor=Actor.system("tests")), connection.execute_wrapper(execute):
        provision(slug, name=slug, owner=owner, progress=lambda _: steps.burn())
    return steps.passed, statements.passed


def migrate(slugs: list[str], statement: int) -> int:
    """Migrate these namespaces; be killed before that statement is sent, by whomever. Returns how many."""
    fuse = Fuse(statement)
    for kind in (psycopg.Connection, ScopedCursor):
        _burning(kind, fuse)
    namespaces = [Namespace.objects.get(slug=slug) for slug in slugs]
    with operation(actor=Actor.system("tests")):
        running.migrate_fleet(namespaces, options=MigrationOptions(jobs=1, retries=10))
    return fuse.passed


def plan_once(applied: list[str]) -> None:
    """Let all forks find planned what schemas with these migrations lack: planning sends no statement."""
    plans, state = Plans(), SchemaState.of(applied)
    while (stage := plans.stage(state)).steps:
        plans.project(state)
        state = state.with_keys(keys_of(stage.steps[0]))
    running.Plans = lambda _: plans  # type: ignore[assignment,misc]


def _burning(kind: Any, fuse: Fuse) -> None:
    plain = kind.execute

    def execute(*details: Any, **options: Any) -> Any:
        fuse.burn()
        return plain(*details, **options)

    kind.execute = execute


def spawn(work: Callable[[], Any], start: int | None = None) -> tuple[int, int]:
    """Run the work in a fork, once ``start`` is closed by all; returns the fork and where it answers."""
    answers, answer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_child(work, answer, start)
    os.close(answer)
    return pid, answers


def _be_child(work: Callable[[], Any], answer: int, start: int | None) -> NoReturn:
    if start is not None:
        os.read(start, 1)
    try:
        said = work()
    except SmartModelsError as error:
        said = error.code
    connections.close_all()
    os.write(answer, json.dumps(said).encode())
    os._exit(0)


def outcome(pid: int, answers: int) -> Any:
    """What the fork answered; "killed" when it could not any more."""
    with os.fdopen(answers, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    return "killed" if os.WIFSIGNALED(status) else json.loads(said)


def race(slug: str, runners: int, *, each: bool = False) -> list[Any]:
    """Let so many processes make the same namespace, or each one of its own, at the same moment."""
    start, gate = os.pipe()

    def work(number: int) -> Any:
        return make(f"{slug}{number}" if each else slug) and "made"

    forks = [spawn(partial(work, number), start) for number in range(runners)]
    # One byte each; they wake together.
    os.write(gate, b"." * runners)
    return [outcome(*fork) for fork in forks]


def main() -> None:
    """Answer tasks until there are no more."""
    for line in sys.stdin:
        task = json.loads(line)
        if "runners" in task:
            said: Any = race(**task)
        elif "applied" in task:
            said = plan_once(**task)
        elif "slugs" in task:
            said = outcome(*spawn(lambda task=task: migrate(**task)))  # type: ignore[misc]
        else:
            said = outcome(*spawn(lambda task=task: make(**task)))  # type: ignore[misc]
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
