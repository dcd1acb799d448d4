"""What counts as a mention of an account: its whole address, and never a part of somebody else's.

SQL that says by what a column's text is to be replaced. The text is to be changed exactly when the two
differ, so that whoever repeats the change comes to an end.
"""

from __future__ import annotations

import re
from typing import Any

from shared_apps.accounts.models import User

__all__ = ["in_label", "in_text", "parameters"]

# An apostrophe belongs to the address only after a letter or digit (o'bob@...); else it is a quotation mark.
_TEXT = "(?<![[:alnum:]._%+-])(?<![[:alnum:]]'){address}(?![[:alnum:]_-]|[.][[:alnum:]])"
_LABEL = "(^| on behalf of ){address}(?=$| on behalf of )"


def parameters(user: User) -> dict[str, Any]:
    """Return the parameters of what :func:`in_label` and :func:`in_text` return."""
    address = re.escape(user.email)
    return {
        "user": user.pk,
        "name": user.name,
        "email": user.email,
        "text": _TEXT.format(address=address),
        "label": _LABEL.format(address=address),
        "label_name": rf"\1{user.name}",
    }


def in_label(column: str) -> str:
    """Return SQL for a label, one actor's or "one on behalf of another", without the account's address."""
    return f"regexp_replace({column}, %(label)s, %(label_name)s, 'gi')"


def in_text(column: str) -> str:
    """Return SQL for what somebody wrote, without the account's address wherever it stands as a whole."""
    return f"regexp_replace({column}, %(text)s, %(name)s, 'gi')"
