"""Reports on field research."""

from __future__ import annotations

from typing import Any

from smartmodels.reports import Dimension, Measure, report
from tenant_apps.research.models import Observation

__all__ = ["body_mass"]


@report(
    "research.body_mass",
    title="Body mass",
    measures=[Measure("body_mass_g", "Body mass", unit="g")],
    dimensions=[
        Dimension("species", "Species", "specimen__species"),
        Dimension("sex", "Sex", "specimen__sex"),
        Dimension("island", "Island", "specimen__study__island"),
        Dimension("study", "Study", "specimen__study__code"),
    ],
    group_by=["species"],
)
def body_mass() -> Any:
    """Body mass of the observed animals, as far as it was measured."""
    return Observation.objects.all()
