"""What a tenant app inherits: ``SmartModel`` and ``Resource``."""

from smartmodels.models.resource import Resource, resource_model
from smartmodels.models.smart import SmartModel

__all__ = ["Resource", "SmartModel", "resource_model"]
