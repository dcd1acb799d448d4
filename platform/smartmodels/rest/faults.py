"""What is wrong with the input, and where: one fault per mistake, pointed at as RFC 6901 says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.settings import api_settings

__all__ = [
    "Fault",
    "InvalidHeader",
    "InvalidInputHere",
    "InvalidParameter",
    "faults_of",
    "kebab",
    "pointer_to",
]

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake: a code for programs, a sentence for people, and where it stands.

    ``pointer`` is a JSON pointer into the body or the filter, ``parameter`` a name in the query string,
    ``header`` a header's name; at most one of them is given, but for an unknown parameter, which points at
    nothing ("") and names itself. ``index`` is the row of an array that the pointer leads to. ``known``
    are the names there are, of which what was given is none.
    """

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None
    index: int | None = None
    known: tuple[str, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """Return the fault as a member of ``errors`` in a problem document."""
        places: dict[str, Any] = {
            "index": self.index,
            "pointer": self.pointer,
            "parameter": self.parameter,
            "header": self.header,
        }
        given = {name: place for name, place in places.items() if place is not None}
        listed = {"known": list(self.known)} if self.known else {}
        return {**given, "code": self.code, "detail": self.detail, **listed}


class InvalidInputHere(APIException):
    """The input is refused; ``faults`` says where and why."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid-input"
    default_detail = "The request cannot be used as it is: see `errors`."

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults[0].detail if len(faults) == 1 else None)
        self.faults = faults


class InvalidParameter(InvalidInputHere):
    """A parameter in the query string is unknown or cannot be used."""

    default_code = "invalid-parameter"

    def __init__(self, name: str, detail: str, *, code: str = "invalid-parameter") -> None:
        pointer = "" if code == "unknown-parameter" else None
        super().__init__(Fault(code, detail, pointer=pointer, parameter=name[:_LONGEST_NAME]))
        self.default_code = code


class InvalidHeader(InvalidInputHere):
    """A header cannot be used."""

    default_code = "invalid-header"

    def __init__(self, name: str, detail: str, *, code: str = "invalid-header") -> None:
        super().__init__(Fault(code, detail, header=name))
        self.default_code = code


def kebab(code: str) -> str:
    """Return a code the way all of ours are written: ``does_not_exist`` -> ``does-not-exist``."""
    return code.replace("_", "-")


def pointer_to(*names: Any) -> str:
    """Return the JSON pointer of a place in the body: ``("rows", 3, "a/b")`` -> ``/rows/3/a~1b``."""
    return "".join("/" + _escaped(str(name)) for name in names)


def _escaped(name: str) -> str:
    shown = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "..."
    # Half a surrogate pair, which JSON can spell, could not be sent back.
    shown = shown.encode(errors="backslashreplace").decode()
    return shown.replace("~", "~0").replace("/", "~1")


def faults_of(detail: Any, place: tuple[Any, ...] = ()) -> Iterator[Fault]:
    """Yield the faults in what a serializer says is wrong, to any depth."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            here = place if name == api_settings.NON_FIELD_ERRORS_KEY else (*place, name)
            yield from faults_of(inner, here)
    elif isinstance(detail, (list, tuple)):
        for index, inner in enumerate(detail):
            # A list of messages belongs to this place; a list of dicts describes its elements.
            nested = isinstance(inner, (Mapping, list, tuple))
            yield from faults_of(inner, (*place, index) if nested else place)
    else:
        code = getattr(detail, "code", None) or "invalid"
        yield Fault(kebab(code), str(detail), pointer=pointer_to(*place))
