"""``manage.py migrate``: the public schema, then every namespace's."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as DjangoCommand
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from smartmodels.context import Actor, operation, public_scope
from smartmodels.management.output import as_json
from smartmodels.management.refusals import command_errors
from smartmodels.tenancy.migrating import migrate_namespace, pending
from smartmodels.tenancy.models import get_namespace_model
from smartmodels.tenancy.placement import tenant_labels
from smartmodels.tenancy.provisioning import exclusively, find_namespace
from smartmodels.tenancy.schemas import marked_schemas

_PUBLIC_ONLY = ("fake", "fake_initial", "run_syncdb", "prune")
Result = dict[str, Any]


def _only_looks(options: Result) -> bool:
    return bool(options["plan"] or options["check_unapplied"])


class Command(DjangoCommand):
    """Bring the public schema up to date, then each namespace; one that fails does not stop the others.

    Exit code 1 when a namespace failed. Django's options work as usual; those that only edit its records
    (--fake, --fake-initial, --prune) and --run-syncdb concern the public schema alone.
    """

    help = (
        "Migrate the public schema, then the schema of every namespace. A namespace that fails is named "
        "at the end, and the exit code is 1; the others are migrated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--public-only", action="store_true", help="Leave the namespaces alone.")
        where.add_argument(
            "--namespace", action="append", metavar="SLUG", help="Only this namespace; may be repeated."
        )
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["json"]:
            options["verbosity"] = 0
        with command_errors(), public_scope(), operation(actor=Actor.command("migrate")):
            public = None if options["namespace"] else self._public(*args, **options)
            results = [self._one(namespace, options) for namespace in self._namespaces(options)]
        if options["json"]:
            self.stdout.write(as_json({"public": public, "namespaces": results}))
        self._conclude(public or {}, results, options)

    # The public schema

    def _public(self, *args: Any, **options: Any) -> Result:
        """Run Django's own command with no namespace bound."""
        if options["json"] and _only_looks(options):
            return {"pending": self._public_plan(options)}
        recorder = MigrationRecorder(connections[options["database"]])
        before = recorder.applied_migrations()
        super().handle(*args, **options)
        changed = recorder.applied_migrations().keys() ^ before.keys()
        return {"applied": sorted(".".join(key) for key in changed)}

    @staticmethod
    def _public_plan(options: Result) -> list[str]:
        executor = MigrationExecutor(connections[options["database"]])
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes(options["app_label"]))
        return [f"{step.app_label}.{step.name}" for step, _ in plan]

    # Namespaces

    def _namespaces(self, options: Result) -> list[Any]:
        """Return the namespaces asked for that have a schema, in order of their slugs."""
        label = options["app_label"]
        public_only = options["public_only"] or any(options[name] for name in _PUBLIC_ONLY)
        if public_only or (label is not None and label not in tenant_labels()):
            return []
        if options["namespace"]:
            return [find_namespace(slug) for slug in options["namespace"]]
        schemas = marked_schemas(using=options["database"])
        rows = get_namespace_model().objects.using(options["database"]).order_by("slug")
        return [namespace for namespace in rows if namespace.schema_name in schemas]

    def _one(self, namespace: Any, options: Result) -> Result:
        began = time.monotonic()
        key = "pending" if _only_looks(options) else "applied"
        result: Result = {"slug": namespace.slug, "schema": namespace.schema_name, key: [], "error": None}
        try:
            result[key] = self._steps(namespace, options)
        except Exception as error:  # noqa: BLE001 - a migration may raise anything; the others go on
            result["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"
        result["seconds"] = round(time.monotonic() - began, 3)
        if not options["json"]:
            self._report(result, key, options)
        return result

    @staticmethod
    def _steps(namespace: Any, options: Result) -> list[str]:
        label, name, using = options["app_label"], options["migration_name"], options["database"]
        if _only_looks(options):
            return pending(namespace, app_label=label, migration_name=name, using=using)
        with exclusively(namespace):
            return migrate_namespace(namespace, app_label=label, migration_name=name, using=using)

    def _report(self, result: Result, key: str, options: Result) -> None:
        if options["verbosity"] < 1 and result["error"] is None:
            return
        what = result["error"] or (", ".join(result[key]) or f"nothing {key}")
        style = self.style.ERROR if result["error"] else str
        self.stdout.write(
            style(f"  {result['slug']} ({result['schema']}, {result['seconds']:.2f} s): {what}")
        )

    @staticmethod
    def _conclude(public: Result, results: list[Result], options: Result) -> None:
        failed = [result["slug"] for result in results if result["error"] is not None]
        if failed:
            raise CommandError(
                f"{len(failed)} of {len(results)} namespaces failed: {', '.join(failed)}. "
                "What succeeded is kept; repair the cause and run it again. [migration-failed]"
            )
        if options["check_unapplied"] and any(each.get("pending") for each in (public, *results)):
            raise SystemExit(1)
