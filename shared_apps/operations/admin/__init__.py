"""Jobs and the audit, as staff sees them on the public host."""

from shared_apps.operations.admin.audit import AuditEntryAdmin
from shared_apps.operations.admin.jobs import JobAdmin

__all__ = ["AuditEntryAdmin", "JobAdmin"]
