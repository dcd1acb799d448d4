"""Many rows in one request: arrays at the address of the list, all or none."""

from smartmodels.rest.bulk.collection import BULK_MAX, BulkMixin
from smartmodels.rest.bulk.idempotency import IdempotencyMixin
from smartmodels.rest.bulk.importing import ImportMixin
from smartmodels.rest.bulk.rehearsing import RehearsalMixin
from smartmodels.rest.bulk.routing import with_collection_writes

__all__ = [
    "BULK_MAX",
    "BulkMixin",
    "IdempotencyMixin",
    "ImportMixin",
    "RehearsalMixin",
    "with_collection_writes",
]
