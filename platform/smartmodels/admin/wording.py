"""Words for what happened to a row."""

from __future__ import annotations

from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime

__all__ = ["action_in_words", "moment_in_words"]

_WORDS = {
    "create": "Created",
    "update": "Changed",
    "soft_delete": "Deleted",
    "restore": "Restored",
    "purge": "Purged",
    "handover": "Handed over",
    "revert": "Reverted",
    "import": "Imported",
}


def action_in_words(action: str) -> str:
    """Return the word for a history row's action."""
    return _WORDS.get(action, action.replace("_", " ").capitalize())


def moment_in_words(when: datetime) -> str:
    """Return a date and time, to the second, as the pages write it."""
    return date_format(localtime(when), "j M Y, H:i:s")
