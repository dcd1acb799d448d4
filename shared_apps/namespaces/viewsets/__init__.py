"""Namespaces over REST, for staff on the public host; a module per subject."""

from shared_apps.namespaces.viewsets.migrations import MigrationRunViewSet
from shared_apps.namespaces.viewsets.namespaces import NamespaceViewSet

__all__ = ["MigrationRunViewSet", "NamespaceViewSet"]
