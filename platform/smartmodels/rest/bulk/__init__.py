"""Many rows in one request: arrays at the address of the list, all or none."""

from smartmodels.rest.bulk.collection import BULK_MAX, BulkMixin
from smartmodels.rest.bulk.routing import with_collection_writes

__all__ = ["BULK_MAX", "BulkMixin", "with_collection_writes"]
