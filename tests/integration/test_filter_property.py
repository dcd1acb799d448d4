"""Random filters select what a reference in plain Python selects: see tests/support/filter_oracle.py."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartmodels.context import Actor, namespace_scope, operation
from tests.support.filter_oracle import KINDS, TO_MANY, TO_ONE, holds, rows_of, selected
from tests.support.shop import PATHS, Inexpressible, as_brackets, as_json, load, read

EXAMPLES = 50
RELATIONS = {**TO_ONE, **TO_MANY}
PATTERNS = ("%", "_", "%a%", "H%", "%\\%", "a\\_b", "%\\\\%", "\u00e9%", "s_-so", "")
REGEXPS = (
    "^H", "/^h/i", "\\d", "o$", "[^a-z]$", "/\u00e9/i", "a.b", "^.{2,5}$", "(so|oo)", "\\bcotton\\b",
    "\\w\\s\\w", "^(?!Ham)", "[\\d\\s]", "", "x\\+y", "\\S{6,}", "(.)\\1",
)  # fmt: skip


def values_of(model: str, name: str) -> Any:
    """Values of the column, values beside them, and the same as texts where they are read alike."""
    held = st.sampled_from([row[name] for row in rows_of(model)])
    kind = KINDS[model][name]
    if kind == "integer":
        beside = st.one_of(st.integers(-60, 110), st.sampled_from([1.5, -0.5, 2**31, -(2**40), "7", "1e1"]))
    elif kind == "float":
        beside = st.sampled_from([0, 0.1, "0.1", 1e300, -3.5000001, 10**30])
    elif kind == "time":
        beside = st.sampled_from([0, 1577836800000, "2020-01-01", "2020-06-15T12:30:00+02:00", "1969-12-31"])
    elif kind == "boolean":
        beside = st.sampled_from([True, False, "true", "0", 1])
    else:
        beside = st.sampled_from(["", "Z", "a", "\u00e9", "null", "%"])
    return st.one_of(held, beside)


def operators_of(model: str, name: str) -> Any:
    """One or two operators on a column."""
    value = values_of(model, name)
    some: dict[str, Any] = dict.fromkeys(("eq", "neq", "gt", "gte", "lt", "lte"), value)
    some |= {"inq": st.lists(value, max_size=4), "nin": st.lists(value, max_size=4)}
    some |= {"between": st.lists(value, min_size=2, max_size=2), "exists": st.booleans()}
    if KINDS[model][name] == "text":
        some |= dict.fromkeys(("like", "nlike", "ilike", "nilike"), st.sampled_from(PATTERNS))
        some |= dict.fromkeys(("regexp", "nregexp"), st.sampled_from(REGEXPS))
    one = st.sampled_from(sorted(some)).flatmap(lambda key: some[key].map(lambda given: {key: given}))
    return st.one_of(one, one, st.tuples(one, one).map(lambda two: {**two[0], **two[1]}))


def properties_of(model: str, hops: int) -> Any:
    """A condition on one column, of the row itself or of a related one."""
    own = st.sampled_from(sorted(KINDS[model])).flatmap(
        lambda name: st.one_of(values_of(model, name), operators_of(model, name)).map(
            lambda given: {name: given}
        )
    )
    related = [key for key in RELATIONS if key[0] == model] if hops else []
    if not related:
        return own
    far = st.sampled_from(related).flatmap(
        lambda key: properties_of(RELATIONS[key][0], hops - 1).map(
            lambda inner: {f"{key[1]}.{name}": given for name, given in inner.items()}
        )
    )
    return st.one_of(own, own, far)


def wheres(model: str) -> Any:
    """A tree of conditions."""
    return st.recursive(
        properties_of(model, 2),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["and", "or", "nor"]), st.lists(inner, max_size=3)).map(
                lambda it: {it[0]: it[1]}
            ),
            inner.map(lambda each: {"not": each}),
            st.tuples(inner, inner).map(lambda two: {**two[0], **two[1]}),
        ),
        max_leaves=6,
    )


def orders(model: str) -> Any:
    term = st.tuples(st.sampled_from(sorted(KINDS[model])), st.booleans(), st.none() | st.booleans())
    return st.lists(term, max_size=3, unique_by=lambda each: each[0])


def spelled(terms: list[tuple[str, bool, bool | None]]) -> list[str]:
    nulls = {None: "", True: " NULLS FIRST", False: " nulls last"}
    return [f"{name} {'DESC' if down else 'asc'}{nulls[first]}" for name, down, first in terms]


def placed(terms: list[tuple[str, bool, bool | None]]) -> list[tuple[str, bool, bool]]:
    return [(name, down, down if first is None else first) for name, down, first in terms]


asked = st.sampled_from(sorted(KINDS)).flatmap(
    lambda model: st.tuples(
        st.just(model), wheres(model), orders(model), st.integers(1, 70), st.integers(0, 5)
    )
)


def query_of(form: str, given: dict[str, Any]) -> str:
    try:
        return as_brackets(given) if form == "brackets" else as_json(given)
    except Inexpressible:
        return as_json(given)


def test_filter__at_random__selects_what_the_reference_does(
    api_of: Callable[..., Any], ana: Any, alpha: Any
) -> None:
    """Rows and their order, in both forms."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        load()
    api = api_of(ana, alpha)

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=asked, form=st.sampled_from(["json", "brackets"]))
    def run(case: Any, form: str) -> None:
        model, where, terms, limit, skip = case
        filter_given = {"where": where, "order": spelled(terms), "limit": limit, "skip": skip}
        answer = api.get(f"{PATHS[model]}?{query_of(form, filter_given)}")
        expected = selected(model, where, placed(terms))[skip : skip + limit]
        assert answer.status_code == 200, answer.content
        assert [row["id"] for row in answer.json()["results"]] == expected

    run()


@pytest.mark.parametrize("model", sorted(PATHS))
def test_reference__cases__agrees_with_the_shared_ones(model: str) -> None:
    """The reference is right about every shared case that it can be asked."""
    wrong = []
    for case in read("cases"):
        where = case.get("filter", {}).get("where")
        plain = set(case.get("filter", {})) == {"where"} and "ids" in case["expected"]
        if case["model"] != model or not plain or not isinstance(where, dict) or case["id"] == "lb205":
            continue
        found = [row["id"] for row in rows_of(model) if holds(where, row, model)]
        if sorted(found) != sorted(case["expected"]["ids"]):
            wrong.append(case["id"])
    assert wrong == []
