"""What changed: between two versions of a row, and in the whole namespace, one version after another."""

from smartmodels.rest.changes.exposing import Exposure, FullExposure
from smartmodels.rest.changes.telling import tell

__all__ = ["Exposure", "FullExposure", "tell"]
