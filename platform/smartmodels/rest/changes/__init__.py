"""What changes in a namespace, one version after another: by page, and as events."""

from smartmodels.rest.changes.exposing import CallerExposure, FullExposure
from smartmodels.rest.changes.reading import ChangePage, read_changes

__all__ = ["CallerExposure", "ChangePage", "FullExposure", "read_changes"]
