"""Migrations that a test writes for the app ``activities``, and how to run them over many namespaces."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from smartmodels.tenancy.migrating import read_states
from tests.support.databases import ROOT

FIRST = ROOT / "tenant_apps" / "activities" / "migrations" / "0001_initial.py"
HEAD = """
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("activities", {before!r})]
"""
PACKAGE, SETTINGS = "fleet_migrations", "fleet_settings"
ADD_FIELD = (
    'operations = [migrations.AddField("activity", "mood", models.CharField(max_length=9, default="x%y"))]'
)


class Written:
    """A folder with the migrations of ``activities`` and settings that name it, for other processes too."""

    def __init__(self, folder: Path, label: str = "written") -> None:
        self.folder, self._label = folder, label
        self._package = folder / PACKAGE
        self._package.mkdir()
        (self._package / "__init__.py").touch()
        (self._package / FIRST.name).write_text(FIRST.read_text())
        (folder / f"{SETTINGS}.py").write_text(
            f"from tests.settings import *\nMIGRATION_MODULES = {{'activities': {PACKAGE!r}}}\n"
        )
        self._last = FIRST.stem

    def add(self, *lines: str, above: str = "") -> str:
        """Write one more migration, whose body is these lines; return its name as app.name."""
        number = int(self._last[:4]) + 1
        name = f"{number:04}_{self._label}"
        self._write(name, self._last, *lines, above=above)
        self._last = name
        return f"activities.{name}"

    def squash(self, *lines: str, replaced: list[str]) -> str:
        """Write a migration that replaces all that were added; return its name as app.name."""
        old = [tuple(name.split(".")) for name in replaced]
        name = f"{old[0][1]}_squashed"
        self._write(name, FIRST.stem, f"replaces = {old!r}", *lines)
        self._last = name
        return f"activities.{name}"

    def rewrite(self, name: str, *lines: str) -> None:
        """Write a migration that follows the first one anew."""
        self._write(name.partition(".")[2], FIRST.stem, *lines)

    def remove(self, *names: str) -> None:
        """Delete the files of migrations."""
        for name in names:
            module = name.partition(".")[2]
            (self._package / f"{module}.py").unlink()
            sys.modules.pop(f"{PACKAGE}.{module}", None)

    def _write(self, name: str, before: str, *lines: str, above: str = "") -> None:
        body = "".join(f"    {line}\n" for text in lines for line in text.splitlines())
        (self._package / f"{name}.py").write_text(above + HEAD.format(before=before) + body)
        sys.modules.pop(f"{PACKAGE}.{name}", None)
        importlib.invalidate_caches()

    @contextmanager
    def known(self) -> Iterator[None]:
        """Let what reads migrations once in a process read them as they are now, for the block."""
        with override_settings(MIGRATION_MODULES={"activities": PACKAGE}):
            yield

    @property
    def environment(self) -> dict[str, str]:
        """What another process needs to know them."""
        path = (str(self.folder), str(ROOT / "platform"), str(ROOT))
        return {"DJANGO_SETTINGS_MODULE": SETTINGS, "PYTHONPATH": ":".join(path)}


@contextmanager
def written_migrations(folder: Path, label: str = "written") -> Iterator[Written]:
    """Let ``activities`` have the migrations that are written, named by the label, for the block."""
    sys.path.insert(0, str(folder))
    try:
        with override_settings(MIGRATION_MODULES={"activities": PACKAGE}):
            yield Written(folder, label)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] in (PACKAGE, SETTINGS)]:
            del sys.modules[name]


def namespace_command(action: str, *words: str, **options: Any) -> Any:
    """Run ``manage.py namespace ... --json``; what it printed, with ``error`` if it was refused."""
    output = StringIO()
    try:
        call_command("namespace", action, *words, "--json", stdout=output, stderr=StringIO(), **options)
    except CommandError as error:
        said = json.loads(output.getvalue()) if output.getvalue() else {}
        return {**said, "error": str(error)}
    return json.loads(output.getvalue())


def has(namespace: Any, migration: str) -> tuple[bool, bool]:
    """Whether the schema's own records, and the table of states, say that it has the migration."""
    app, _, name = migration.partition(".")
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT count(*) FROM "{namespace.schema_name}".django_migrations '  # noqa: S608 - a name we made
            "WHERE app = %s AND name = %s",
            [app, name],
        )
        (count,) = cursor.fetchone()
    assert count < 2, f"{migration} is recorded twice in {namespace.slug}."
    return bool(count), (app, name) in read_states([namespace.schema_name])[namespace.schema_name].applied


def columns_of(namespace: Any, table: str = "activities_activity") -> set[str]:
    """The names of a table's columns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
            [namespace.schema_name, table],
        )
        return {name for (name,) in cursor.fetchall()}


Fleet = Callable[..., list[Any]]
