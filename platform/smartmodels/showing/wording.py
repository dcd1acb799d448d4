"""Words for what happened to a row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime

__all__ = ["action_in_words", "actions_in_words", "actor_in_words", "moment_in_words"]

_WORDS = {
    "create": "Created",
    "import": "Imported",
    "update": "Changed",
    "handover": "Handed over",
    "revert": "Reverted",
    "soft_delete": "Deleted",
    "restore": "Restored",
    "purge": "Purged",
}

_KINDS = {"api_key": "API key", "oauth_application": "application"}


def action_in_words(action: str) -> str:
    """Return the word for a history row's action."""
    return _WORDS.get(action, action.replace("_", " ").capitalize())


def actions_in_words(actions: Iterable[str]) -> str:
    """Return the words for several actions as one text, in the order of a row's life."""
    order = list(_WORDS)
    known = sorted(filter(None, actions), key=lambda each: (order.index(each) if each in order else 99, each))
    return ", ".join(action_in_words(each).lower() for each in known).capitalize()


def actor_in_words(label: str | None, kind: str | None) -> str:
    """Return who acted, and as what if it was not a person who was logged in."""
    if not kind or kind == "user":
        return label or "unknown"
    what = _KINDS.get(kind, kind.replace("_", " "))
    return f"{label} ({what})" if label and label != what else what


def moment_in_words(when: datetime) -> str:
    """Return a date and time, to the second, as the pages write it."""
    return date_format(localtime(when), "j M Y, H:i:s")
