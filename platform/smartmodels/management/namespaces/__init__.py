"""The actions of ``manage.py namespace``, a module per subject, and what they say about namespaces."""

from smartmodels.management.namespaces.describing import describe, size_of, summaries
from smartmodels.management.namespaces.owners import owner_account

__all__ = ["describe", "owner_account", "size_of", "summaries"]
