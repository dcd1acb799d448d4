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
from smartmodels.management.namespaces.migrations import fleet_arguments, fleet_options, tell_result
from smartmodels.management.output import as_json
from smartmodels.management.refusals import RefusingCommand, command_errors
from smartmodels.tenancy.locking import exclusively
from smartmodels.tenancy.migrating import migrate_namespace, pending, read_states
from smartmodels.tenancy.migrating.failures import text_of
from smartmodels.tenancy.migrating.planning import Plans
from smartmodels.tenancy.migrating.running import migratable, migrate_fleet
from smartmodels.tenancy.placement import tenant_labels
from smartmodels.tenancy.provisioning import find_namespace

_PUBLIC_ONLY = ("fake", "fake_initial", "run_syncdb", "prune")
Result = dict[str, Any]


def _result(
    namespace: Any, key: str, steps: list[str], seconds: float = 0.0, error: str | None = None
) -> Result:
    return {
        "slug": namespace.slug, "schema": namespace.schema_name, key: steps, "error": error,
        "seconds": round(seconds, 3),
    }  # fmt: skip


def _only_looks(options: Result) -> bool:
    return bool(options["plan"] or options["check_unapplied"])


class Command(RefusingCommand, DjangoCommand):
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
        where.add_argument("--tenants-only", action="store_true", help="Leave the public schema alone.")
        where.add_argument(
            "--namespace", action="append", metavar="SLUG", help="Only this namespace; may be repeated."
        )
        fleet_arguments(parser)
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["json"]:
            options["verbosity"] = 0
        with command_errors(), public_scope(), operation(actor=Actor.command("migrate")):
            public = None if self._leaves_public(options) else self._public(*args, **options)
            results = self._all(options)
        if options["json"]:
            self.stdout.write(as_json({"public": public, "namespaces": results}))
        self._conclude(public or {}, results, options)

    # The public schema

    @staticmethod
    def _leaves_public(options: Result) -> bool:
        return bool(options["namespace"] or options["tenants_only"])

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
        chosen = [find_namespace(slug) for slug in options["namespace"] or ()]
        return migratable(chosen or None, using=options["database"])

    def _all(self, options: Result) -> list[Result]:
        namespaces, using = self._namespaces(options), options["database"]
        if options["migration_name"] is not None:
            return [self._one(namespace, options) for namespace in namespaces]
        if _only_looks(options):
            return [self._shown(result, "pending", options) for result in self._behind(namespaces, options)]
        report = migrate_fleet(
            namespaces, options=fleet_options(options, options["app_label"]), using=using,
            progress=lambda result, _, __: None if options["json"] else tell_result(self, options, result),
        )  # fmt: skip
        left = "not tried: a wave before it failed"
        made = {each.slug: each for each in report.results}
        return [
            _result(namespace, "applied", each.applied, each.seconds, each.error if each.tried else left)
            if (each := made.get(namespace.slug))
            else _result(namespace, "applied", [])
            for namespace in namespaces
        ]

    @staticmethod
    def _behind(namespaces: list[Any], options: Result) -> list[Result]:
        plans, using = Plans(options["app_label"]), options["database"]
        states = read_states([each.schema_name for each in namespaces], using=using)
        return [_result(each, "pending", plans.stage(states[each.schema_name]).names) for each in namespaces]

    def _one(self, namespace: Any, options: Result) -> Result:
        """Bring one namespace to the migration that was named, forwards or backwards."""
        began, error, steps = time.monotonic(), None, []
        label, name, using = options["app_label"], options["migration_name"], options["database"]
        key = "pending" if _only_looks(options) else "applied"
        try:
            if _only_looks(options):
                steps = pending(namespace, app_label=label, migration_name=name, using=using)
            else:
                with exclusively(namespace):
                    steps = migrate_namespace(namespace, app_label=label, migration_name=name, using=using)
        except Exception as raised:  # noqa: BLE001 - a migration may raise anything; the others go on
            error = text_of(raised)
        return self._shown(_result(namespace, key, steps, time.monotonic() - began, error), key, options)

    def _shown(self, result: Result, key: str, options: Result) -> Result:
        if not options["json"] and (options["verbosity"] > 0 or result["error"] is not None):
            what = result["error"] or (", ".join(result[key]) or f"nothing {key}")
            style = self.style.ERROR if result["error"] else str
            self.stdout.write(
                style(f"  {result['slug']} ({result['schema']}, {result['seconds']:.2f} s): {what}")
            )
        return result

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
