"""Which columns a version knew: the ledger keeps the layout of the history table it was written to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smartmodels.history.ledger import ledger_model
from smartmodels.history.records import history_model
from smartmodels.history.states import RowState

__all__ = ["columns_unknown"]


def columns_unknown(model: Any, states: Iterable[RowState]) -> dict[Any, frozenset[str]]:
    """Return, by segment of a version, the columns of ``model`` that did not exist when it was written.

    Segments that knew all of them are left out; so are versions that no segment vouches for.
    """
    table = history_model(model)._meta.db_table
    tracked = {field.column: field.attname for field in history_model(model).tracked_fields}
    lacking = {}
    for layout in ledger_model("Layout").objects.filter(tables__has_key=table):
        known = {column for group in layout.tables[table] for column in group}
        if missing := frozenset(name for column, name in tracked.items() if column not in known):
            lacking[layout.pk] = missing
    if not lacking:
        return {}
    segments = {state.segment for state in states} - {None}
    rows = ledger_model("Segment").objects.filter(pk__in=segments, layout_id__in=lacking)
    return {segment: lacking[layout] for segment, layout in rows.values_list("pk", "layout_id")}
