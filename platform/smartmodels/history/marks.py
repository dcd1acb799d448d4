"""Marks: moments of a namespace that people want to be able to come back to."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, Func

from smartmodels.context import require_namespace, require_operation
from smartmodels.exceptions import InvalidInput, MarkExists, MarkUnknown
from smartmodels.history.ledger import ledger_model

__all__ = ["all_marks", "delete_mark", "find_mark", "mark"]

_NAME_MAX = 200


def _name(given: Any) -> str:
    name = str(given).strip()
    if not name or len(name) > _NAME_MAX or not name.isprintable():
        raise InvalidInput(
            f"A mark needs a name of at most {_NAME_MAX} characters, all of them printable.", field="name"
        )
    return name


def mark(name: str, note: str = "") -> Any:
    """Mark this moment of the bound namespace under a name and return the mark.

    What is committed later than this counts as later only if it was written later: mark while nobody
    writes. Raises MarkExists for a name that is taken, InvalidInput for one that is none.
    """
    require_namespace()
    actor, known = require_operation().actor, _name(name)
    if "\x00" in note:
        raise InvalidInput("A note cannot hold NUL.", field="note")
    made = ledger_model("Mark")(
        name=known, note=note, created_by_id=actor.user_id, created_by_label=actor.label
    )
    # The clock that dates versions, too.
    made.at = Func(function="clock_timestamp", output_field=DateTimeField())
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as error:
        raise MarkExists(
            f"There is a mark {known!r} already: choose another name, or delete that one first."
        ) from error
    made.refresh_from_db()
    return made


def all_marks() -> Any:
    """Return the marks of the bound namespace, newest first."""
    return ledger_model("Mark").objects.order_by("-at", "-pk")


def find_mark(name: str) -> Any:
    """Return the mark of this name; raise MarkUnknown."""
    found = all_marks().filter(name=name.strip()).first() if "\x00" not in name else None
    if found is None:
        raise MarkUnknown(f"There is no mark {name[:60]!r} here: `manage.py history marks` lists them.")
    return found


def delete_mark(name: str) -> None:
    """Forget a mark; what it marked stays. Raises MarkUnknown."""
    find_mark(name).delete()
