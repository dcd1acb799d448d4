"""Jobs and the audit over REST."""

from shared_apps.operations.viewsets.audit import AuditViewSet
from shared_apps.operations.viewsets.jobs import JobViewSet, NamespaceJobViewSet

__all__ = ["AuditViewSet", "JobViewSet", "NamespaceJobViewSet"]
