"""Processes that share, answer, take back and edit at the same moment, and may be killed on the way.

Run as a program, it reads one JSON task per line and answers each with one line. A deed is what to do, with
its words, and after which statement it is killed, if at all. ``race`` does several at the same moment and
returns what came of each; ``start`` begins one, and ``finish`` waits for it. ``database`` says where.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from tests.support.mortal import Fuse, outcome, spawn  # sets Django up

from django.conf import settings  # isort: skip
from django.db import connection  # isort: skip
from django.test import override_settings  # isort: skip
from django.urls import get_resolver  # isort: skip

from shared_apps.accounts.models import User  # isort: skip
from shared_apps.namespaces.models import Namespace  # isort: skip
from shared_apps.sharing.models import Grant  # isort: skip
from smartmodels import sharing  # isort: skip
from smartmodels.context import Actor, namespace_scope, operation  # isort: skip
from smartmodels.tenancy import life  # isort: skip
from tenant_apps.research.models import Study  # isort: skip
from tests.support.clients import ApiClient  # isort: skip
from tests.support.people import email_of  # isort: skip


def actor(name: str | None) -> Actor:
    """The person of this name, or the operator."""
    return Actor.command("tests") if name is None else Actor.user(User.objects.get(email=email_of(name)))


def share(home: str, to: str, by: str | None = None, *, private: bool = False) -> str:
    """Share the only study of the home; returns the key of the grant."""
    with namespace_scope(Namespace.objects.get(slug=home)), operation(actor=actor(by)):
        rows = [Study.objects.get()]
        given = sharing.share_with_users(rows, [email_of(to)]) if private else sharing.share_many(rows, [to])
    return str(given[0].pk)


def step(verb: str, grant: str, by: str | None = None) -> str:
    """Accept, decline, leave or revoke; returns what the grant is then."""
    with operation(actor=actor(by)):
        return str(getattr(sharing, verb)(Grant.objects.get(pk=grant)).status)


def end_home(home: str) -> str:
    """Delete a namespace; returns what it is then."""
    with operation(actor=actor(None)):
        return str(life.delete(Namespace.objects.get(slug=home)).state)


def edit(by: str, at: str, row: str, title: str) -> int:
    """Change the title of a study over HTTP; returns the status of the answer."""
    client = ApiClient(User.objects.get(email=email_of(by)), Namespace.objects.get(slug=at))
    answer: int = client.patch(f"/api/v1/studies/{row}/", {"title": title}).status_code
    return answer


DEEDS: dict[str, Callable[..., Any]] = {"share": share, "step": step, "end_home": end_home, "edit": edit}


def run(do: str, *, statement: int | None = None, private: bool = False, **words: Any) -> Any:
    """Do a deed; be killed before that statement is sent."""
    fuse = Fuse(statement)

    def execute(send: Callable[..., Any], *details: Any) -> Any:
        fuse.burn()
        return send(*details)

    with ExitStack() as stack:
        if private:
            stack.enter_context(override_settings(SMARTMODELS_OWNER_MODEL=settings.AUTH_USER_MODEL))
            words |= {"private": True} if do == "share" else {}
        stack.enter_context(connection.execute_wrapper(execute))
        return DEEDS[do](**words)


def race(deeds: list[dict[str, Any]]) -> list[Any]:
    """Do all of it at the same moment."""
    start, gate = os.pipe()
    forks = [spawn(partial(run, **deed), start) for deed in deeds]
    # One byte each; they wake together.
    os.write(gate, b"." * len(deeds))
    return [outcome(*fork) for fork in forks]


def work_in(database: str) -> None:
    """Let the forks work in this database; this process never connects."""
    connection.settings_dict["NAME"] = database


def main() -> None:
    """Answer tasks until there are no more."""
    started: list[tuple[int, int]] = []
    # Read once here, and not by each fork.
    assert get_resolver("config.urls_namespace").url_patterns
    for line in sys.stdin:
        task = json.loads(line)
        said: Any = None
        if "race" in task:
            said = race(task["race"])
        elif "database" in task:
            work_in(**task)
        elif "start" in task:
            started.append(spawn(partial(run, **task["start"])))
            said = len(started) - 1
        else:
            said = outcome(*started[task["finish"]])
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
