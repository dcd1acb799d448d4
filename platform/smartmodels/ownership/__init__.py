"""Who owns a row: users, and the sentinel for what users leave behind."""

from smartmodels.ownership.locks import hold_accounts
from smartmodels.ownership.pickers import choosable, service_ids
from smartmodels.ownership.rights import foreign_kinds, may_change, may_change_all, rows_of
from smartmodels.ownership.sentinel import is_sentinel, refuse_sentinel, sentinel_id
from smartmodels.ownership.services import (
    count_owned,
    hand_over,
    hand_over_some,
    owned_models,
    take_back,
    take_back_some,
)
from smartmodels.ownership.triggers import CreateOwnerFunctions, OwnerOpen

__all__ = [
    "CreateOwnerFunctions",
    "OwnerOpen",
    "choosable",
    "count_owned",
    "foreign_kinds",
    "hand_over",
    "hand_over_some",
    "hold_accounts",
    "is_sentinel",
    "may_change",
    "may_change_all",
    "owned_models",
    "refuse_sentinel",
    "rows_of",
    "sentinel_id",
    "service_ids",
    "take_back",
    "take_back_some",
]
