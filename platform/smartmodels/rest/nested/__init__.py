"""Rows that are written together with those they belong to, in one request and one transaction."""

from smartmodels.rest.nested.declaring import Nested
from smartmodels.rest.nested.mixin import NestedMixin

__all__ = ["Nested", "NestedMixin"]
