"""How long a text may be is told of what is sent, as the document says it."""

from typing import Any

import pytest
from rest_framework import serializers

from smartmodels.rest.shapes import mistyped


@pytest.mark.parametrize(
    ("given", "codes"), [("abc", []), ("abcd", ["max_length"]), ("  a ", ["max_length"]), (None, [])]
)
def test_text__longer_than_described__is_refused_before_it_is_cut(given: Any, codes: list[str]) -> None:
    """White space at its ends counts, since the document says so of what is sent."""
    found = mistyped(serializers.CharField(max_length=3), given)
    assert [each.code for each in found or ()] == codes


def test_texts__one_is_too_long__is_named_by_its_place() -> None:
    """As any other mistake in a list."""
    field = serializers.ListField(child=serializers.CharField(max_length=3), max_length=5)
    assert {place: found[0].code for place, found in mistyped(field, ["a", "   b", "c"]).items()} == {
        1: "max_length"
    }
