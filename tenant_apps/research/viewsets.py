"""The REST API of field research."""

from __future__ import annotations

from typing import ClassVar

from smartmodels.rest import Nested, ResourceViewSet, register
from tenant_apps.research.models import Observation, Specimen, Study

__all__ = ["ObservationViewSet", "SpecimenViewSet", "StudyViewSet"]


@register(Observation)
class ObservationViewSet(ResourceViewSet):
    """What was measured on a specimen."""


@register(Specimen)
class SpecimenViewSet(ResourceViewSet):
    """Animals, each in one study, with what was measured on them."""

    nested: ClassVar = {"observations": Nested(ObservationViewSet)}


@register(Study)
class StudyViewSet(ResourceViewSet):
    """Seasons of field work at one place, with their specimens."""

    nested: ClassVar = {"specimens": Nested(SpecimenViewSet, key=("species", "number"))}
