"""What a namespace reads: its own rows and those that others share with it, in one list."""

from shared_apps.sharing.reading.details import HomeUnavailable, shared_row
from shared_apps.sharing.reading.listing import VisibleReading, VisibleRows
from shared_apps.sharing.reading.restricting import check_shown, restricted
from shared_apps.sharing.reading.versions import versions_shown

__all__ = [
    "HomeUnavailable",
    "VisibleReading",
    "VisibleRows",
    "check_shown",
    "restricted",
    "shared_row",
    "versions_shown",
]
