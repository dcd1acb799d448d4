"""The REST API of a namespace. The only room that knows Django REST framework.

An app's ``viewsets.py`` says which of its models are served::

    @register(Study)
    class StudyViewSet(ResourceViewSet):
        pass
"""

from smartmodels.rest.door import (
    NotFound,
    OpenApiParameter,
    Response,
    action,
    extend_schema,
    extend_schema_field,
    serializers,
)
from smartmodels.rest.faults import Fault, InvalidParameter
from smartmodels.rest.permissions import MembershipPermission, OwnerPermission, StaffPermission
from smartmodels.rest.problems import Problem, Refused, problem_of
from smartmodels.rest.registry import extend, register
from smartmodels.rest.resources import ResourceViewSet, SmartViewSet
from smartmodels.rest.serializing import SMART_FIELDS, SmartSerializer, StrictSerializer, derive_serializer
from smartmodels.rest.throttling import GuessLimit
from smartmodels.rest.views import ApiView, GenericApiViewSet

__all__ = [
    "SMART_FIELDS",
    "ApiView",
    "Fault",
    "GenericApiViewSet",
    "GuessLimit",
    "InvalidParameter",
    "MembershipPermission",
    "NotFound",
    "OpenApiParameter",
    "OwnerPermission",
    "Problem",
    "Refused",
    "ResourceViewSet",
    "Response",
    "SmartSerializer",
    "SmartViewSet",
    "StaffPermission",
    "StrictSerializer",
    "action",
    "derive_serializer",
    "extend",
    "extend_schema",
    "extend_schema_field",
    "problem_of",
    "register",
    "serializers",
]
