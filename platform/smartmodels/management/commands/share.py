"""``manage.py share``: rows that are visible in several namespaces."""

from __future__ import annotations

from smartmodels.management.namespaces.command import SubjectCommand
from smartmodels.management.shares import deciding, ending, granting, listing, policies, proving

SUBJECTS = (listing, granting, deciding, policies, ending, proving)


class Command(SubjectCommand):
    """Exit codes: 0 done, 1 refused or something is left (message and code on stderr), 2 wrong usage."""

    help = "Share rows with other namespaces, take them back, and see that all is as it should be."
    name = "share"
    actions = tuple(action for subject in SUBJECTS for action in subject.ACTIONS)
