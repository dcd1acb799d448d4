"""``manage.py migrate_schemas``: django-tenants' command, done by ours."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser

from smartmodels.context import PUBLIC_SCHEMA, public_scope
from smartmodels.exceptions import InvalidInput, NamespaceNotFound
from smartmodels.management.namespaces.migrations import fleet_arguments
from smartmodels.management.refusals import RefusingCommand, command_errors
from smartmodels.tenancy.models import get_namespace_model

__all__ = ["Command"]

_GIVEN_ON = (
    "app_label", "migration_name", "database", "fake", "fake_initial", "plan", "prune", "run_syncdb",
    "check_unapplied", "interactive", "canary", "waves", "jobs", "lock_timeout", "retries", "json",
    "verbosity",
)  # fmt: skip


class Command(RefusingCommand):
    """For scripts that know django-tenants: ``migrate`` does the work, whatever ``--executor`` says."""

    help = "Migrate the public schema and those of all namespaces: the options of django-tenants' command."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what django-tenants' command has, and how a fleet is migrated."""
        parser.add_argument("app_label", nargs="?", help="Only this app.")
        parser.add_argument("migration_name", nargs="?", help='Only up to (or back to) this one, or "zero".')
        parser.add_argument("-s", "--schema", dest="schema_name", help="Only this schema, by its name.")
        parser.add_argument("--tenant", action="store_true", help="Leave the public schema alone.")
        parser.add_argument("--shared", action="store_true", help="Leave the namespaces alone.")
        parser.add_argument("--executor", help="Accepted and ignored: --jobs says how many at a time.")
        parser.add_argument("--parallel", type=int, help="The same as --jobs.")
        parser.add_argument("--no-initial-data", action="store_true", help="Accepted: there is none.")
        parser.add_argument("--noinput", action="store_false", dest="interactive", help="Ask nothing.")
        parser.add_argument("--database", default="default", help="Another alias of DATABASES.")
        for name, said in _DJANGO.items():
            dest = "check_unapplied" if name == "check" else name.replace("-", "_")
            parser.add_argument(f"--{name}", action="store_true", dest=dest, help=said)
        fleet_arguments(parser)
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in _GIVEN_ON if options[name] is not None}
        if options["parallel"] is not None:
            given["jobs"] = options["parallel"]
        with command_errors():
            where = self._where(options)
        call_command("migrate", **where, **given, stdout=self.stdout, stderr=self.stderr)

    @staticmethod
    def _where(options: dict[str, Any]) -> dict[str, Any]:
        """Return which schemas are meant, as ``migrate`` is told."""
        schema = options["schema_name"]
        if schema and schema != PUBLIC_SCHEMA:
            if options["shared"]:
                raise InvalidInput("--schema names a namespace's schema, --shared means the public one.")
            with public_scope():
                found = get_namespace_model().objects.filter(schema_name=schema).first()
            if found is None:
                raise NamespaceNotFound(f"No namespace has the schema {schema!r}.")
            return {"namespace": [found.slug]}
        public_only = schema == PUBLIC_SCHEMA or (options["shared"] and not options["tenant"])
        if public_only:
            return {"public_only": True}
        return {"tenants_only": True} if options["tenant"] and not options["shared"] else {}


_DJANGO = {
    "fake": "Record migrations of the public schema as applied without applying them.",
    "fake-initial": "Of the public schema: take initial migrations whose tables exist for applied.",
    "plan": "Say what would be applied.",
    "prune": "Of the public schema: forget migrations that do not exist.",
    "run-syncdb": "Of the public schema: make the tables of apps without migrations.",
    "check": "Exit with 1 if something is not applied.",
}
