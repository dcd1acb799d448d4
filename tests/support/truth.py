"""Whether history tells the truth, judged by plain SQL."""

import json
from typing import Any

from django.db import connection

from smartmodels.history import history_model
from tests.zoo.models import Animal


def sql(statement: str, *parameters: Any) -> list[Any]:
    """The rows that a statement returns, if it returns any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def live(model: Any) -> dict[Any, dict[str, Any]]:
    """Every row of the table, deleted ones included, as the database shows it."""
    rows = sql(f"SELECT to_jsonb(t)::text FROM {model._meta.db_table} t")  # noqa: S608
    return {row["id"]: row for row in (json.loads(text) for (text,) in rows)}


def links() -> dict[str, set[str]]:
    """The tags of every animal."""
    found: dict[str, set[str]] = {}
    for animal, tag in sql("SELECT animal_id::text, tag_id::text FROM zoo_animal_tags"):
        found.setdefault(animal, set()).add(tag)
    return found


def assert_now(model: Any) -> None:
    """The newest version of every row is the row."""
    history, rows = history_model(model), live(model)
    columns = [each.column for each in history.tracked_fields]
    newest = {}
    for text, kind_of, number in sql(
        f"SELECT DISTINCT ON (id) to_jsonb(h)::text, history_type, history_id FROM {history._meta.db_table} h"  # noqa: S608
        " ORDER BY id, history_id DESC"
    ):
        version = json.loads(text)
        newest[version["id"]] = (version, kind_of, number)
    assert set(rows) <= set(newest)
    for key, (version, kind_of, _) in newest.items():
        if key not in rows:
            assert (kind_of, version["action"]) == ("-", "purge")
            continue
        assert {c: rows[key][c] for c in columns} == {c: version[c] for c in columns}
        assert (kind_of == "-") == (rows[key]["deleted_at"] is not None)
    if model is Animal:
        now, kept = links(), dict[str, set[str]]()
        of_version = {number: key for key, (_, _, number) in newest.items() if key in rows}
        for number, tag in sql("SELECT history_id, tag_id::text FROM zoo_historicalanimal_tags"):
            if number in of_version:
                kept.setdefault(of_version[number], set()).add(tag)
        assert kept == now
