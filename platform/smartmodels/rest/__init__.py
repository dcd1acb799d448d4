"""The REST API of a namespace. The only room that knows Django REST framework.

An app's ``viewsets.py`` says which of its models are served::

    @register(Study)
    class StudyViewSet(ResourceViewSet):
        pass
"""

from smartmodels.rest.access.roles import IsAdminOrIsOwner, IsAuthenticatedOrCreate, IsOwner, IsReadOnly
from smartmodels.rest.access.scoping import within_scope
from smartmodels.rest.changes import FullExposure, read_changes
from smartmodels.rest.deprecating import Deprecation
from smartmodels.rest.door import (
    JSONRenderer,
    NotFound,
    OpenApiParameter,
    Response,
    action,
    extend_schema,
    extend_schema_field,
    serializers,
)
from smartmodels.rest.faults import Fault, InvalidParameter
from smartmodels.rest.fields import NamedField, ShapedField
from smartmodels.rest.mixins import NamespaceRowsMixin, OwnRowsMixin, ReadOnlyMixin
from smartmodels.rest.nested import Nested
from smartmodels.rest.permissions import (
    ManagerPermission,
    MembershipPermission,
    OwnerPermission,
    StaffPermission,
)
from smartmodels.rest.preferring import prefers_to_wait, truth_in
from smartmodels.rest.problems import Problem, Refused, problem_of
from smartmodels.rest.registry import extend, register
from smartmodels.rest.resources import ResourceViewSet, SmartViewSet
from smartmodels.rest.serializing import SMART_FIELDS, SmartSerializer, StrictSerializer, derive_serializer
from smartmodels.rest.streaming import EventRenderer, event_stream
from smartmodels.rest.throttling import GuessLimit
from smartmodels.rest.views import ApiView, GenericApiViewSet

__all__ = [
    "SMART_FIELDS",
    "ApiView",
    "Deprecation",
    "EventRenderer",
    "Fault",
    "FullExposure",
    "GenericApiViewSet",
    "GuessLimit",
    "InvalidParameter",
    "IsAdminOrIsOwner",
    "IsAuthenticatedOrCreate",
    "IsOwner",
    "IsReadOnly",
    "JSONRenderer",
    "ManagerPermission",
    "MembershipPermission",
    "NamedField",
    "NamespaceRowsMixin",
    "Nested",
    "NotFound",
    "OpenApiParameter",
    "OwnRowsMixin",
    "OwnerPermission",
    "Problem",
    "ReadOnlyMixin",
    "Refused",
    "ResourceViewSet",
    "Response",
    "ShapedField",
    "SmartSerializer",
    "SmartViewSet",
    "StaffPermission",
    "StrictSerializer",
    "action",
    "derive_serializer",
    "event_stream",
    "extend",
    "extend_schema",
    "extend_schema_field",
    "prefers_to_wait",
    "problem_of",
    "read_changes",
    "register",
    "serializers",
    "truth_in",
    "within_scope",
]
