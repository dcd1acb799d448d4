"""``manage.py namespace``: everything that is done to namespaces."""

from __future__ import annotations

from smartmodels.management.namespaces import (
    auditing,
    copying,
    domains,
    keys,
    looking,
    making,
    members,
    migrations,
    moving,
    origins,
    proving,
    readying,
    removing,
    renaming,
    stopping,
)
from smartmodels.management.namespaces.actions import Action
from smartmodels.management.namespaces.command import SubjectCommand

SUBJECTS = (
    making,
    looking,
    readying,
    stopping,
    renaming,
    domains,
    members,
    keys,
    origins,
    migrations,
    moving,
    copying,
    proving,
    removing,
    auditing,
)
ACTIONS: dict[str, Action] = {action.name: action for subject in SUBJECTS for action in subject.ACTIONS}


class Command(SubjectCommand):
    """Exit codes: 0 done, 1 refused (message and code on stderr), 2 wrong usage."""

    help = "Make namespaces, look at them, change them, stop serving them and remove them."
    name = "namespace"
    actions = tuple(ACTIONS.values())
