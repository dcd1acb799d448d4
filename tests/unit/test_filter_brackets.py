"""Query strings in brackets become the tree that JSON would be."""

from typing import Any

import pytest
from django.http import QueryDict

from smartmodels.rest.filtering.brackets import as_tree
from smartmodels.rest.filtering.errors import InvalidFilter


def tree(query: str) -> Any:
    return as_tree(QueryDict(query).lists())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("[a]=1", {"a": "1"}),
        ("[a][b][c]=x", {"a": {"b": {"c": "x"}}}),
        ("[a][]=1&[a][]=2", {"a": ["1", "2"]}),
        ("[a]=1&[a]=2", {"a": ["1", "2"]}),
        ("[a][1]=y&[a][0]=x", {"a": ["x", "y"]}),
        ("[a][7]=y&[a][3]=x", {"a": ["x", "y"]}),
        ("[a][0][b]=1&[a][0][c]=2&[a][1][b]=3", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        ("[a][][b]=1&[a][][b]=2", {"a": [{"b": "1"}, {"b": "2"}]}),
        ("[a][1]=x&[a][]=y", {"a": ["x", "y"]}),
        ("[a]=", {"a": ""}),
        ("[a][inq]=1", {"a": {"inq": ["1"]}}),
        ("[a][0]=x&[a][b]=y", {"a": {"0": "x", "b": "y"}}),
        ("[__proto__][x]=1", {"__proto__": {"x": "1"}}),
        ("[]=1", ["1"]),
    ],
)
def test_tree__names_in_brackets__is_built(query: str, expected: Any) -> None:
    """Lists by [], by indexes and by repetition."""
    assert tree(query) == expected


def test_tree__long_list__keeps_its_order() -> None:
    """Beyond 20 entries, where other parsers make an object of it."""
    assert tree("&".join(f"[a][{number}]={number}" for number in range(40))) == {
        "a": [str(n) for n in range(40)]
    }


@pytest.mark.parametrize("query", ["[a", "[a]b", "[a]]=1", "[[a]]=1", "[a]=1&[a][b]=2", "[a][b]=2&[a]=1"])
def test_tree__contradiction__is_refused(query: str) -> None:
    """Brackets that do not match, and a name that is a value and a parent."""
    with pytest.raises(InvalidFilter):
        tree(query)


def test_tree__endlessly_deep__is_refused() -> None:
    """There is a limit on steps."""
    with pytest.raises(InvalidFilter):
        tree("[a]" * 1000 + "=1")
