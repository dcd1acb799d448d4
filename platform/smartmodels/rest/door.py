"""What apps need of Django REST framework and drf-spectacular, by way of this room."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from smartmodels.rest.encoding import JSONRenderer

__all__ = [
    "JSONRenderer",
    "NotFound",
    "OpenApiParameter",
    "Response",
    "action",
    "extend_schema",
    "extend_schema_field",
    "serializers",
]
