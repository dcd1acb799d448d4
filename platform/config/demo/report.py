"""The report over all islands, with its plot."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.db.models import Max

from shared_apps.namespaces.models import Namespace
from smartmodels.context import namespace_scope
from smartmodels.tenancy.models import State
from tenant_apps.research.models import Observation, Specimen, Study

__all__ = ["REPORT", "write_report"]

REPORT = "body_mass"


def write_report(folder: Path) -> tuple[bool, str]:
    """Write the table and its plot to ``folder``, unless they show what is in the database already."""
    folder.mkdir(parents=True, exist_ok=True)
    files, stamp = [folder / f"{REPORT}.{kind}" for kind in ("csv", "png")], folder / f"{REPORT}.versions"
    outcome = f"mean body mass by species and namespace in {files[0].name} and {files[1].name}"
    versions = _versions()
    if all(file.exists() for file in files) and stamp.exists() and stamp.read_text() == versions:
        return False, outcome
    stamp.unlink(missing_ok=True)
    for file in files:
        words = ("report", f"research.{REPORT}", "--group-by", "species,namespace", "--out", str(file))
        call_command(*words, stdout=StringIO(), stderr=StringIO())
    stamp.write_text(versions)
    return True, outcome


def _versions() -> str:
    """Return the newest version of anything the report reads; it grows with every change."""
    lines = []
    for namespace in Namespace.objects.filter(state=State.ACTIVE).order_by("slug"):
        with namespace_scope(namespace):
            newest = [
                model.history.aggregate(newest=Max("history_id"))["newest"]
                for model in (Study, Specimen, Observation)
            ]
        lines.append(f"{namespace.slug} {newest}\n")
    return "".join(lines)
