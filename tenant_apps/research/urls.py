"""The pages of field research, below ``/research/``."""

from __future__ import annotations

from smartmodels.views import row_pages
from tenant_apps.research.models import Observation, Specimen, Study

__all__ = ["urlpatterns"]

urlpatterns = [*row_pages(Study), *row_pages(Specimen), *row_pages(Observation)]
