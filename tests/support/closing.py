"""Rows of people whose accounts are closed, and the closing."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from shared_apps.namespaces.closing import close_account
from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Study


def study_of(user: Any, namespace: Any, code: str = "B") -> Study:
    """A study that the user made in the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        study: Study = Study.objects.create(code=code)
    return study


def close(user: Any, **values: Any) -> Any:
    """Close the account as the operator does."""
    with operation(actor=Actor.command("account close")):
        return close_account(user, **values)


def owners_of(row: Study) -> tuple[Any, Any]:
    """Who owns the row by now, and which closed account it is remembered to come from."""
    row.refresh_from_db()
    return row.owner_id, row.former_owner_id


def in_thread(job: Callable[[], Any]) -> threading.Thread:
    """Start the job in a thread with a connection of its own."""

    def run() -> None:
        try:
            job()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
