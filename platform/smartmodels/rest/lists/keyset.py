"""Which rows come after a position in an order: conditions that an index answers without counting rows.

A position is the values of the order's terms, as text, null being None. The rows after it are told in
stretches, each a range of an index on the leading terms: those with a value there, and those without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import BooleanField, Func, Q, TextField, Value
from django.db.models.functions import Cast

from smartmodels.rest.filtering import OrderTerm
from smartmodels.rest.lists.ordering import column_of

__all__ = ["stretches"]

Values = Sequence[str | None]


class _Compared(Func):
    """``(a, b) > (x, y)``, compared as rows are: by the first that differs."""

    output_field = BooleanField()

    def __init__(self, left: Sequence[Any], operator: str, right: Sequence[Any]) -> None:
        super().__init__(*left, *right)
        self.operator = operator

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return the comparison of the first half of the expressions with the second."""
        parts, params = [], []
        for each in self.source_expressions:
            sql, more = compiler.compile(each)
            parts.append(sql)
            params += more
        half = len(parts) // 2
        return f"({', '.join(parts[:half])}) {self.operator} ({', '.join(parts[half:])})", params


def stretches(
    model: Any, terms: tuple[OrderTerm, ...], values: Values, *, inclusive: bool = False
) -> Iterator[Any]:
    """Yield conditions, in order: together they are the rows after the position, or from it on.

    Every row fulfils one of them at most, and those of an earlier one stand before those of a later one.
    """
    leading, value = terms[0], values[0]
    rest = _Rest(model, terms, values, inclusive=inclusive)
    if value is None:
        if (among_nulls := rest.tied(0)) is not None:
            yield among_nulls
        if leading.nulls_first:
            yield Q(**{f"{leading.source}__isnull": False})
        return
    yield from rest.with_leading_value()
    if leading.is_nullable and not leading.nulls_first:
        yield Q(**{f"{leading.source}__isnull": True})


class _Rest:
    """The conditions on the terms from some position on."""

    def __init__(self, model: Any, terms: tuple[OrderTerm, ...], values: Values, *, inclusive: bool) -> None:
        self._model, self._terms, self._values, self._inclusive = model, terms, values, inclusive

    def with_leading_value(self) -> Iterator[Any]:
        """Yield the condition for rows whose leading term is not null, as the position's is not."""
        if self._compares_as_rows():
            yield self._compare(range(len(self._terms)), or_equal=self._inclusive)
            return
        beyond = Q(self._compare([0], or_equal=False))
        tied = self.tied(0)
        # The first condition alone is what an index is searched by.
        yield Q(self._compare([0], or_equal=True)) & (beyond if tied is None else beyond | tied)

    def tied(self, position: int) -> Any | None:
        """Return the condition for rows equal up to ``position`` and after it later on; None for no rows."""
        after = self._after(position + 1)
        if after is None:
            return None
        name = self._terms[position].source
        if self._values[position] is None:
            return Q(**{f"{name}__isnull": True}) & after
        return Q(_Compared([self._terms[position].expression], "=", [self._value(position)])) & after

    def _after(self, position: int) -> Any | None:
        if position == len(self._terms):
            return Q() if self._inclusive else None
        beyond, tied = self._beyond(position), self.tied(position)
        found = [each for each in (beyond, tied) if each is not None]
        return None if not found else found[0] if len(found) == 1 else found[0] | found[1]

    def _beyond(self, position: int) -> Any | None:
        """Return the condition for rows whose term at ``position`` itself stands later; None for no rows."""
        term = self._terms[position]
        if self._values[position] is None:
            return Q(**{f"{term.source}__isnull": False}) if term.nulls_first else None
        beyond = Q(self._compare([position], or_equal=False))
        if term.is_nullable and not term.nulls_first:
            return beyond | Q(**{f"{term.source}__isnull": True})
        return beyond

    def _compares_as_rows(self) -> bool:
        """Tell whether one comparison of rows says it all: one direction, and no nulls behind the first."""
        return len({term.descending for term in self._terms}) == 1 and not any(
            term.is_nullable for term in self._terms[1:]
        )

    def _compare(self, positions: Sequence[int], *, or_equal: bool) -> _Compared:
        operator = "<" if self._terms[positions[0]].descending else ">"
        return _Compared(
            [self._terms[position].expression for position in positions],
            f"{operator}=" if or_equal else operator,
            [self._value(position) for position in positions],
        )

    def _value(self, position: int) -> Any:
        column = column_of(self._model, self._terms[position].source)
        return Cast(Value(self._values[position], output_field=TextField()), column)
