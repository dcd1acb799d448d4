"""Addresses, and words that name people, wherever they stand in text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from smartmodels.tenancy.placement import tenant_models
from smartmodels.tenancy.triggers import literal, quoted
from smartmodels.transfer.catalogue import Table, qualified

__all__ = ["forget_words"]

_ADDRESS = r"[[:alnum:]._%+''-]+@[[:alnum:]-]+([.][[:alnum:]-]+)+"
_TEXT = re.compile(r"(text|character varying(\((\d+)\))?|jsonb?)(\[\])?")
_JSON = ("json", "jsonb")
# JSON is replaced value by value: in its text, what stands there may be half an escape, or no text at all.
_SAID = """
    CREATE FUNCTION pg_temp.said(doc jsonb, pattern text, instead text, flags text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE AS $said$
    DECLARE
        words text := regexp_replace(doc #>> '{}', pattern, instead, flags);
    BEGIN
        RETURN CASE jsonb_typeof(doc)
            WHEN 'string' THEN to_jsonb(words)
            WHEN 'number' THEN CASE WHEN words = doc #>> '{}' THEN doc ELSE to_jsonb(words) END
            WHEN 'array' THEN (
                SELECT coalesce(jsonb_agg(pg_temp.said(e.held, pattern, instead, flags) ORDER BY e.n), '[]')
                FROM jsonb_array_elements(doc) WITH ORDINALITY AS e (held, n))
            WHEN 'object' THEN (
                SELECT coalesce(jsonb_object_agg(
                    regexp_replace(e.key, pattern, instead, flags),
                    pg_temp.said(e.value, pattern, instead, flags)), '{}')
                FROM jsonb_each(doc) AS e)
            ELSE doc
        END;
    END $said$
"""
_AT_ONCE = 200
"""Words that one pattern looks for."""

# What the database or the library says, and no person.
_OWN = frozenset({"history_type", "action", "actor_kind", "via_namespace", "row_key", "target_key"})


def forget_words(cursor: Any, schema: str, tables: Sequence[Table], words: Iterable[str]) -> None:
    """Replace addresses, and these words whatever their case, in every column of text or JSON.

    Words of fewer than 8 characters only where they stand alone: others may be part of something else.
    """
    known = sorted(words, key=lambda word: (-len(word), word))
    chosen = _chosen()
    cursor.execute(_SAID)
    for table in tables:
        columns = {name: kind for name, kind in _texts(table) if (table.name, name) not in chosen}
        if columns:
            _replace(
                cursor, schema, table, {name: _without_addresses(name, columns[name]) for name in columns}
            )
            for first in range(0, len(known), _AT_ONCE):
                some = known[first : first + _AT_ONCE]
                new = {name: _without_words(name, kind, some) for name, kind in columns.items()}
                _replace(cursor, schema, table, new)
    cursor.execute("DROP FUNCTION pg_temp.said(jsonb, text, text, text)")


def _chosen() -> set[tuple[str, str]]:
    """Return tables and columns whose values the code chose: such a word is nobody's name there."""
    return {
        (model._meta.db_table, str(field.column))
        for model in tenant_models()
        for field in model._meta.concrete_fields
        if field.choices
    }


def _without_words(name: str, kind: str, words: Iterable[str]) -> str:
    column = quoted(name)
    if kind.endswith("]"):
        # Elements of an array are written with escapes.
        words = {form for word in words for form in (word, word.replace("\\", "\\\\").replace('"', '\\"'))}
    pattern = literal("|".join(map(_pattern, sorted(words, key=lambda word: (-len(word), word)))))
    if kind in _JSON:
        return f"pg_temp.said({column}::jsonb, {pattern}, 'somebody', 'gi')::{kind}"
    return _cast(f"regexp_replace({column}::text, {pattern}, 'somebody', 'gi')", kind)


def _texts(table: Table) -> Iterator[tuple[str, str]]:
    if table.name.startswith("ledger_") and table.name != "ledger_mark":
        return
    for name, kind in table.types.items():
        if _TEXT.fullmatch(kind) and name not in _OWN:
            yield name, kind


def _replace(cursor: Any, schema: str, table: Table, new: dict[str, str]) -> None:
    sets = ", ".join(f"{quoted(name)} = {value}" for name, value in new.items())
    changed = " OR ".join(f"{quoted(name)}::text <> ({value})::text" for name, value in new.items())
    cursor.execute(f"UPDATE {qualified(schema, table.name)} SET {sets} WHERE {changed}")  # noqa: S608


def _cast(value: str, kind: str) -> str:
    """Return the text as the column's type, without what it has no room for."""
    found = _TEXT.fullmatch(kind)
    if found is not None and found[3] and not found[4]:
        return f"left({value}, {found[3]})"
    return value if kind == "text" else f"({value})::{kind}"


def _without_addresses(name: str, kind: str) -> str:
    column = quoted(name)
    if kind in _JSON:
        return f"pg_temp.said({column}::jsonb, '{_ADDRESS}', 'person@example.invalid', 'g')::{kind}"
    some = _cast(f"regexp_replace({column}::text, '{_ADDRESS}', 'person@example.invalid', 'g')", kind)
    if kind.endswith("]"):
        return some
    # An address that is all there is stays different from others: it may have to be.
    one = _cast(f"'person-' || pg_temp.pseudonym(lower({column})) || '@example.invalid'", kind)
    return (
        f"CASE WHEN {column} LIKE 'person-%@example.invalid' THEN {column} "
        f"WHEN {column} ~ '^{_ADDRESS}$' THEN {one} ELSE {some} END"
    )


def _pattern(word: str) -> str:
    escaped = re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", word)
    if len(word) >= 8:
        return escaped
    ahead, behind = r"\m" if word[0].isalnum() else "", r"\M" if word[-1].isalnum() else ""
    return f"{ahead}{escaped}{behind}"
