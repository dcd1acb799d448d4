"""What a tenant app inherits: ``SmartModel`` and ``Resource``."""

from smartmodels.models.options import SmartOptions, UniqueAlive
from smartmodels.models.resource import Resource, resource_labels, resource_model
from smartmodels.models.smart import SmartModel

__all__ = ["Resource", "SmartModel", "SmartOptions", "UniqueAlive", "resource_labels", "resource_model"]
