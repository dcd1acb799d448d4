"""Commands of django-tenants that would make or remove schemas without the services of the platform.

Such a namespace had no owner, no recorded step and no audit entry, and could not be brought back. A command
of the same name stands before each of theirs, and says what to use.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

__all__ = ["ReplacedCommand"]


class ReplacedCommand(BaseCommand):
    """Refuses whatever it is given."""

    help = "Not to be used here: it says what to use instead."
    requires_system_checks = ()
    instead: str
    """What does it here, as it is typed after ``manage.py``."""

    def run_from_argv(self, argv: list[str]) -> None:
        """Refuse before any option is looked at."""
        if {"-h", "--help"} & set(argv):
            super().run_from_argv(argv)
        super().run_from_argv(argv[:2])

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        msg = f"This goes around the platform's services; nothing was done. Use `manage.py {self.instead}`."
        raise CommandError(msg)
