"""``manage.py startresource notes``: the five files of a new tenant app, its migration included."""

from __future__ import annotations

import keyword
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
_CLASS = re.compile(r"[A-Z][A-Za-z0-9]*\Z")
_LONGEST = 40

_PACKAGE = Template('"""$Plural: a tenant app."""\n')

_MODELS = Template('''\
"""$Plural."""

from __future__ import annotations

from django.db import models

from smartmodels.models import Resource

__all__ = ["$Model"]


class $Model(Resource):
    """One $singular."""

    title = models.CharField(max_length=200)
    text = models.TextField(blank=True, default="")
$meta
    def __str__(self) -> str:
        return self.title
''')

_META = Template("""
    class Meta(Resource.Meta):
        verbose_name_plural = "$plural"
""")

_VIEWSETS = Template('''\
"""The REST API of $plural."""

from __future__ import annotations

from smartmodels.rest import ResourceViewSet, register
from $package.$label.models import $Model

__all__ = ["${Model}ViewSet"]


@register($Model)
class ${Model}ViewSet(ResourceViewSet):
    """$Plural of a namespace."""
''')

_TEST = Template('''\
"""$Plural over HTTP."""

from typing import Any


def test_${model}__deleted__is_as_before_once_restored(api_of: Any, ana: Any, alpha: Any) -> None:
    """A $singular is made, deleted and brought back."""
    api = api_of(ana, alpha)
    made = api.post("/api/v1/$path/", {"title": "First"})
    address = f"/api/v1/$path/{made.json()['id']}/"
    api.delete(address)
    api.post(f"{address}restore/")
    assert api.get(address).json()["title"] == "First"
''')


def singular_of(plural: str) -> str:
    """Return the singular of a regular English plural: ``boxes`` -> ``box``; anything else stays."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x")):
        if plural.endswith(ending) and len(plural) > len(ending) + 1:
            return plural.removesuffix(ending) + instead
    return plural[:-1] if plural.endswith("s") and not plural.endswith("ss") else plural


@dataclass(frozen=True, slots=True)
class Plan:
    """The names of a new app, and where its files go."""

    label: str
    model: str
    package: str
    folder: Path
    test: Path

    def words(self) -> dict[str, str]:
        """Return what the templates are filled with."""
        singular = re.sub(r"(?<!^)(?=[A-Z])", " ", self.model).lower()
        plural = self.label.replace("_", " ")
        regular = f"{singular}s" == plural
        return {
            "label": self.label,
            "Model": self.model,
            "model": singular.replace(" ", "_"),
            "package": self.package,
            "singular": singular,
            "plural": plural,
            "Plural": plural.capitalize(),
            "path": plural.replace(" ", "-"),
            "meta": "" if regular else _META.substitute(plural=plural),
        }

    def files(self) -> dict[Path, str]:
        """Return the content of every file that is written by hand, so to say."""
        words = self.words()
        return {
            self.folder / "__init__.py": _PACKAGE.substitute(words),
            self.folder / "models.py": _MODELS.substitute(words),
            self.folder / "viewsets.py": _VIEWSETS.substitute(words),
            self.folder / "migrations" / "__init__.py": "",
            self.test: _TEST.substitute(words),
        }


class Command(BaseCommand):
    """Nothing is registered anywhere else: an app is found by the folder it lies in."""

    help = "Write the five files of a new tenant app: package, models, viewsets, migration and one test."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="The app's name, in the plural: notes, field_trips.")
        parser.add_argument("--model", help="The model's name, if the singular of the name is not regular.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files and the migration, or nothing."""
        plan = self._plan(options["name"], options["model"])
        written = plan.files()
        try:
            for path, content in written.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
            self._make_migration(plan)
        except (OSError, CommandError) as error:
            shutil.rmtree(plan.folder, ignore_errors=True)
            plan.test.unlink(missing_ok=True)
            raise CommandError(f"{error} Nothing was kept.") from error
        for path in sorted({*written, *plan.folder.glob("migrations/0*.py")}):
            self.stdout.write(f"  {path.relative_to(plan.folder.parents[1])}")
        self.stdout.write(
            f"{plan.model} is served at /api/v1/{plan.words()['path']}/ once `manage.py migrate` was run "
            "and the server was started again."
        )

    def _plan(self, name: str, model: str | None) -> Plan:
        if keyword.iskeyword(name):
            raise CommandError(f"{name!r} is a word of Python: choose another name.")
        if not _NAME.match(name) or len(name) > _LONGEST:
            raise CommandError(
                f"{name!r} cannot name an app: write a to z, 0 to 9 and single '_', "
                f"beginning with a letter, at most {_LONGEST}."
            )
        model = model or "".join(part.capitalize() for part in singular_of(name).split("_"))
        if not _CLASS.match(model):
            raise CommandError(f"{model!r} cannot name a model: write it as FieldTrip.")
        if name in {config.label for config in apps.get_app_configs()}:
            raise CommandError(f"There is an app {name!r} already: choose another name.")
        neighbour = next(
            (config for config in apps.get_app_configs() if config.name in settings.TENANT_APPS), None
        )
        if neighbour is None:
            raise CommandError("There is no tenant app yet to put this one beside: see TENANT_APPS.")
        parent = Path(neighbour.path).parent
        plan = Plan(
            label=name,
            model=model,
            package=neighbour.name.rpartition(".")[0],
            folder=parent / name,
            test=parent.parent / "tests" / "integration" / f"test_{name}.py",
        )
        if there := [path for path in (plan.folder, plan.test) if path.exists()]:
            raise CommandError(f"{there[0]} exists already: nothing was written.")
        return plan

    @staticmethod
    def _make_migration(plan: Plan) -> None:
        """Run makemigrations in a process of its own, which finds the new app by its folder."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        done = subprocess.run(
            [sys.executable, "-m", "django", "makemigrations", plan.label, "--verbosity", "0"],
            env=environment, cwd=plan.folder.parents[1], capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CommandError(f"The migration could not be made: {done.stderr.strip()[-2000:]}")
