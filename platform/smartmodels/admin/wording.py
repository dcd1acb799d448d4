"""Words for what happened to a row."""

from __future__ import annotations

__all__ = ["action_in_words"]

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
