"""django-tenants' own way to migrate, on its own engine: schemas as JSON in, the seconds it took out.

``DJANGO_SETTINGS_MODULE`` names settings with the engine of django-tenants (see tests/bench/migrate.py).
"""

import json
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import django

django.setup()

from django.db import connection  # noqa: E402
from django_tenants.migration_executors.standard import StandardExecutor  # noqa: E402

OPTIONS = {
    "verbosity": 1, "interactive": False, "database": "default", "app_label": None, "migration_name": None,
    "fake": False, "fake_initial": False, "plan": False, "prune": False, "run_syncdb": False,
    "check_unapplied": False, "skip_checks": True, "force_color": False, "no_color": True,
    "traceback": False, "settings": None, "pythonpath": None, "stdout": None, "stderr": None,
}  # fmt: skip


def main() -> None:
    """Migrate each list of schemas and say how long that took."""
    for line in sys.stdin:
        schemas = json.loads(line)
        connection.ensure_connection()
        began = time.perf_counter()
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            StandardExecutor((), dict(OPTIONS)).run_migrations(tenants=schemas)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
