"""Whether the triggers that keep history stand in every namespace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError, InterfaceError

from smartmodels.history import defects
from smartmodels.tenancy.schemas import marked_schemas

__all__ = ["check_history"]

_SHOWN = 5


@register(Tags.database)
def check_history(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Compare the triggers and functions in the database with those of the models.

    Runs with ``check --database default`` and ``migrate``, which may be what puts it right: so these are
    warnings. A database that cannot be asked, or has no namespace, has nothing wrong with it.
    """
    try:
        used = [using for using in databases or () if marked_schemas(using=using)]
        wrong = [defect for using in used for defect in defects(using=using)]
    except (DatabaseError, InterfaceError):
        return []
    functions = [defect for defect in wrong if not defect.table]
    triggers = [defect for defect in wrong if defect.table]
    messages: list[CheckMessage] = []
    if functions:
        names = ", ".join(f"{each.name} ({each.how})" for each in functions)
        messages.append(
            checks.Warning(
                f"Functions that keep history are not those of the package: {names}.",
                hint="Run `manage.py migrate`, then `manage.py history check --repair`.",
                id="smartmodels.W101",
            )
        )
    if triggers:
        kinds = Counter(each.how for each in triggers)
        counted = ", ".join(f"{number} {how}" for how, number in sorted(kinds.items()))
        shown = " ".join(map(str, triggers[:_SHOWN]))
        messages.append(
            checks.Warning(
                f"Triggers that keep history are not in place ({counted}): {shown}",
                hint="`manage.py history check` lists them, and installs them with --repair.",
                id="smartmodels.W102",
            )
        )
    return messages
