"""django-simple-history's admin, which the admin room builds on; only this room may import it."""

from __future__ import annotations

from simple_history.admin import SimpleHistoryAdmin

__all__ = ["SimpleHistoryAdmin"]
