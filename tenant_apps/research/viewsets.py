"""The REST API of field research."""

from __future__ import annotations

from smartmodels.rest import ResourceViewSet, register
from tenant_apps.research.models import Observation, Specimen, Study

__all__ = ["ObservationViewSet", "SpecimenViewSet", "StudyViewSet"]


@register(Study)
class StudyViewSet(ResourceViewSet):
    """Seasons of field work at one place."""


@register(Specimen)
class SpecimenViewSet(ResourceViewSet):
    """Animals, each in one study."""


@register(Observation)
class ObservationViewSet(ResourceViewSet):
    """What was measured on a specimen."""
