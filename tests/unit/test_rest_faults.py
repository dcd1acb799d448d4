"""From what a serializer says to faults with pointers."""

from typing import Any

import pytest
from rest_framework.exceptions import ErrorDetail

from smartmodels.rest.faults import Fault, faults_of, pointer_to


def said(code: str) -> list[ErrorDetail]:
    return [ErrorDetail("No.", code=code)]


@pytest.mark.parametrize(
    ("names", "pointer"),
    [
        ((), ""),
        (("code",), "/code"),
        (("rows", 3, "code"), "/rows/3/code"),
        (("a/b", "c~d", "~1"), "/a~1b/c~0d/~01"),
        (("",), "/"),
    ],
)
def test_pointer__names_of_any_kind__is_escaped(names: tuple[Any, ...], pointer: str) -> None:
    """RFC 6901: '~' becomes ~0 and '/' becomes ~1."""
    assert pointer_to(*names) == pointer


def test_pointer__endless_name__is_cut() -> None:
    """An answer does not repeat a megabyte of input."""
    assert len(pointer_to("x" * 10**6)) < 300


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"code": said("max_length")}, [("/code", "max-length")]),
        ({"non_field_errors": said("invalid")}, [("", "invalid")]),
        ({"rows": [{}, {"code": said("required")}]}, [("/rows/1/code", "required")]),
        ({"rows": {3: said("null")}}, [("/rows/3", "null")]),
        (said("invalid"), [("", "invalid")]),
        ([{"code": said("a")}, {"code": said("b")}], [("/0/code", "a"), ("/1/code", "b")]),
    ],
)
def test_faults__of_details__say_where(detail: Any, expected: list[tuple[str, str]]) -> None:
    """Every message becomes a fault at its place, to any depth."""
    assert [(fault.pointer, fault.code) for fault in faults_of(detail)] == expected


def test_fault__as_document__has_only_the_place_that_is_given() -> None:
    """A fault stands in the body, in the query string or in a header."""
    assert Fault("invalid", "No.", header="X-Reason").as_document() == {
        "header": "X-Reason",
        "code": "invalid",
        "detail": "No.",
    }
