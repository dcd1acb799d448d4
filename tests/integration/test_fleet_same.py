"""A schema that got recorded statements is the one that Django would have made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from shared_apps.namespaces.models import MigrationOutcome, Namespace
from smartmodels.context import Actor, operation
from smartmodels.tenancy.migrating import migrate_namespace
from smartmodels.tenancy.migrating.options import MigrationOptions
from smartmodels.tenancy.migrating.running import migrate_fleet
from tests.support.copies import copied, script_of
from tests.support.fleets import Written, written_migrations
from tests.support.shapes import shape_of

CAPTURE = """
import importlib
from django.db import migrations, models
from smartmodels.history.capture import HistoryCapture
first = importlib.import_module("fleet_migrations.0001_initial").Migration
known = [each for operation in first.operations for each in (
    getattr(operation, "constraint", None), *getattr(operation, "options", {}).get("constraints", ())
) if isinstance(each, HistoryCapture)][0].deconstruct()[2]
widened = HistoryCapture(**{**known, "columns": (*known["columns"], "mood")})
def count(apps, editor):
    apps.get_model("activities", "Plain").objects.create(word="once", size=7)
"""
STEPS = r"""
migrations.CreateModel("Plain", [("id", models.BigAutoField(primary_key=True)),
("word", models.CharField(max_length=20, db_index=True)),
("size", models.IntegerField(default=3))])

migrations.CreateModel("Leaf", [("id", models.BigAutoField(primary_key=True)),
("plain", models.ForeignKey("activities.plain", models.CASCADE, related_name="leaves")),
("near", models.ForeignKey("activities.plain", models.CASCADE, related_name="+", null=True))])

migrations.AddField("plain", "extra", models.CharField(max_length=9, default="50%", db_index=True))

migrations.RunPython(count, migrations.RunPython.noop)

migrations.AlterField("plain", "size", models.CharField(max_length=40, default="x"))

migrations.AlterField("plain", "id", models.AutoField(primary_key=True))

migrations.RenameField("plain", "word", "name")

migrations.AlterUniqueTogether("plain", {("name", "size")})

migrations.AlterUniqueTogether("plain", {("name", "extra")})

migrations.AddConstraint("plain",
models.CheckConstraint(condition=~models.Q(name="a%b'c"), name="odd"))

migrations.AddConstraint("plain", models.UniqueConstraint(fields=["size"], name="sole"))

migrations.RemoveConstraint("plain", "sole"), migrations.RemoveField("leaf", "near")

migrations.RunSQL([("INSERT INTO activities_plain (name, size, extra) VALUES (%s, '5%%', %s)",
["100%", "it's \\ %s"])]),
migrations.RunSQL("UPDATE activities_plain SET extra = '7%' -- all")

migrations.RemoveConstraint("activity", known["name"]),
migrations.AddField("activity", "mood", models.CharField(max_length=9, default="")),
migrations.AddField("historicalactivity", "mood", models.CharField(max_length=9, default="")),
migrations.AddConstraint("activity", widened)

migrations.RenameModel("Leaf", "Branch")
""".strip().split("\n\n")
CONCURRENTLY = 'AddIndexConcurrently("plain", models.Index(fields=["extra"], name="by_extra"))'


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Migrations of every kind."""
    with written_migrations(tmp_path) as made:
        for step in STEPS:
            made.add(f"operations = [{step}]", above=CAPTURE)
        made.add("atomic = False", f"operations = [{CONCURRENTLY}]")
        yield made


def rows(namespace: Any) -> list[Any]:
    """The rows that the migrations wrote."""
    with connection.cursor() as cursor:
        cursor.execute(f'TABLE "{namespace.schema_name}".activities_plain')
        return cursor.fetchall()


def test_replayed_migrations__of_every_kind__make_what_django_makes(
    committing: Any, alpha: Namespace, written: Written
) -> None:
    """Columns, constraints, indexes, triggers, recorded migrations and rows."""
    script = script_of(alpha.schema_name, "activities%", "ledger%", "django_migrations")
    Namespace.objects.update(state="reserved")
    django, recorded, replayed = (copied(slug, script) for slug in ("django", "first", "second"))
    with operation(actor=Actor.system("tests")):
        migrate_namespace(django)
        report = migrate_fleet([recorded, replayed], options=MigrationOptions(jobs=1))
    assert [result.error for result in report.results] == [None, None]
    ways = list(MigrationOutcome.objects.filter(slug="second").values_list("way", flat=True))
    assert (ways.count("own"), ways.count("replayed")) == (2, len(STEPS) - 1)
    assert shape_of(replayed.schema_name) == shape_of(django.schema_name)
    assert shape_of(recorded.schema_name) == shape_of(django.schema_name)
    assert rows(replayed) == rows(django)
