"""Who owns a row: users, and the sentinel for what users leave behind."""

from smartmodels.ownership.sentinel import is_sentinel, sentinel_id
from smartmodels.ownership.services import hand_over, take_back

__all__ = ["hand_over", "is_sentinel", "sentinel_id", "take_back"]
