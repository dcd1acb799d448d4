"""Cursors: positions in a list as the client carries them, signed and good for one list alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.signing import BadSignature, Signer

from smartmodels.context import require_namespace
from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.filtering import OrderTerm

__all__ = ["Binding", "Position"]

_SALT = "smartmodels.rest.lists"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an order, and which way to read from there; ``inclusive`` begins with the row at it."""

    values: tuple[str | None, ...]
    backwards: bool = False
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """What a cursor is good for: one kind of rows of the bound namespace, under one filter, in one order."""

    model: Any
    terms: tuple[OrderTerm, ...]
    asked: Mapping[str, str]
    """What else decides on the rows of the list, by name: conditions and parameters as they were given."""

    def _signer(self) -> Signer:
        order = [(term.source, term.descending, term.nulls_first) for term in self.terms]
        namespace = require_namespace().pk
        bound = json.dumps([str(namespace), self.model._meta.label, order, sorted(self.asked.items())])
        return Signer(salt=f"{_SALT}:{hashlib.sha256(bound.encode()).hexdigest()}")

    def sign(self, position: Position) -> str:
        """Return the cursor of a position."""
        return self._signer().sign_object(
            [int(position.backwards), int(position.inclusive), *position.values]
        )

    def read(self, cursor: str) -> Position:
        """Return the position of a cursor; raise InvalidParameter (``invalid-cursor``) for any other text.

        One that was altered, or is of another namespace, filter or order, is such a text.
        """
        try:
            backwards, inclusive, *values = self._signer().unsign_object(cursor)
        except (BadSignature, ValueError) as error:
            raise InvalidParameter(
                "cursor",
                "This cursor is not of this list: follow `next` and `previous` as they were given, "
                "and begin again without a cursor for another filter or order.",
                code="invalid-cursor",
            ) from error
        return Position(tuple(values), bool(backwards), bool(inclusive))
