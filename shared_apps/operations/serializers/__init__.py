"""Jobs and the audit as JSON."""

from shared_apps.operations.serializers.audit import AuditEntrySerializer, AuditFilterSerializer
from shared_apps.operations.serializers.jobs import JobSerializer

__all__ = ["AuditEntrySerializer", "AuditFilterSerializer", "JobSerializer"]
