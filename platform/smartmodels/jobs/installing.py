"""The triggers that tie the queue's tables to ours, as an operation for migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import router
from django.db.migrations.operations.base import Operation

__all__ = ["CreateJobTriggers"]

_SQL = Path(__file__).with_name("jobs.sql")
_FUNCTIONS = ("adding", "added", "requeueing", "changed")


class CreateJobTriggers(Operation):
    """Tie procrastinate's tables to those of job records and namespaces (named as in the database)."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, job: str, namespace: str) -> None:
        self.job, self.namespace = job, namespace

    @property
    def sql(self) -> str:
        """Return the statements, by which others tell what belongs here."""
        return _SQL.read_text().replace("{job}", self.job).replace("{namespace}", self.namespace)

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change no model."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Install the functions and triggers."""
        self._execute(app_label, schema_editor, self.sql)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Remove the functions, and with them the triggers."""
        names = [f"smartmodels_job_{name}" for name in _FUNCTIONS]
        functions = ", ".join(
            f"public.{name}" for name in (*names, "smartmodels_jobs_follow", "smartmodels_job_rescue")
        )
        self._execute(app_label, schema_editor, f"DROP FUNCTION IF EXISTS {functions} CASCADE")

    @staticmethod
    def _execute(app_label: str, schema_editor: Any, text: str) -> None:
        # Once, where the app's tables are; params=None: a per cent sign is one.
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            schema_editor.execute(text, params=None)

    def describe(self) -> str:
        """Say what the migration does."""
        return "Tie the job queue to the records of jobs and to namespaces"
