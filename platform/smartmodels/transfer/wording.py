"""Addresses, and words that name people, wherever they stand in text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from smartmodels.tenancy.triggers import literal, quoted
from smartmodels.transfer.catalogue import Table, qualified

__all__ = ["forget_words"]

_ADDRESS = r"[[:alnum:]._%+''-]+@[[:alnum:]-]+([.][[:alnum:]-]+)+"
_TEXT = re.compile(r"(text|character varying(\((\d+)\))?|jsonb?)(\[\])?")
_AT_ONCE = 200
"""Words that one pattern looks for."""

# What the database or the library says, and no person.
_OWN = frozenset({"history_type", "action", "actor_kind", "via_namespace", "row_key", "target_key"})


def forget_words(cursor: Any, schema: str, tables: Sequence[Table], words: Iterable[str]) -> None:
    """Replace addresses, and these words whatever their case, in every column of text or JSON.

    Words of fewer than 8 characters only where they stand alone: others may be part of something else.
    """
    known = sorted(words, key=lambda word: (-len(word), word))
    for table in tables:
        columns = dict(_texts(table))
        if columns:
            _replace(
                cursor, schema, table, {name: _without_addresses(name, columns[name]) for name in columns}
            )
            for first in range(0, len(known), _AT_ONCE):
                pattern = literal("|".join(map(_pattern, known[first : first + _AT_ONCE])))
                new = {name: _cast(f"regexp_replace({quoted(name)}::text, {pattern}, 'somebody', 'gi')", kind)
                       for name, kind in columns.items()}  # fmt: skip
                _replace(cursor, schema, table, new)


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
    some = _cast(f"regexp_replace({column}::text, '{_ADDRESS}', 'person@example.invalid', 'g')", kind)
    if kind.endswith("]") or kind.startswith("json"):
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
