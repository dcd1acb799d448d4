"""The actions of ``manage.py namespace``, a module per subject, and what they say about namespaces."""

from smartmodels.management.namespaces.describing import describe, size_of, summaries
from smartmodels.management.namespaces.owners import owner_account, owner_for
from smartmodels.management.namespaces.reporting import fsck_report

__all__ = ["describe", "fsck_report", "owner_account", "owner_for", "size_of", "summaries"]
