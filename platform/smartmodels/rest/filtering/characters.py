"""Sets of characters in regular expressions: JavaScript's meaning, PostgreSQL's spelling.

The shorthands are spelled out: PostgreSQL's own follow the locale, JavaScript's do not.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["ANY", "LINE_ENDS", "SETS", "Ranges", "complement", "literal", "spelled"]

Ranges = tuple[tuple[int, int], ...]
"""Code points from .. to, both included."""

_LAST = 0x10FFFF
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Ranges = (
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
LINE_ENDS: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
"""What ``.`` does not match, and what lines end with."""

ANY = "."
"""PostgreSQL's dot, which matches line ends, too."""


def complement(ranges: Ranges) -> Ranges:
    """Return all other characters; NUL is none."""
    found, first = [], 1
    for low, high in sorted(ranges):
        if low > first:
            found.append((first, low - 1))
        first = max(first, high + 1)
    return (*found, (first, _LAST)) if first <= _LAST else tuple(found)


SETS: dict[str, Ranges] = {
    "d": ((0x30, 0x39),),
    "w": _WORD,
    "s": _SPACE,
    "D": complement(((0x30, 0x39),)),
    "W": complement(_WORD),
    "S": complement(_SPACE),
}
"""The shorthands by their letter."""


def literal(code: int) -> str:
    """Return one character as PostgreSQL reads it, within brackets and outside."""
    character = chr(code)
    if character.isascii() and character.isalnum():
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def spelled(ranges: Iterable[tuple[int, int]], *, negated: bool = False) -> str:
    """Return a bracket expression; an empty one matches nothing, its contrary everything.

    NUL is left out: no text holds it, and PostgreSQL takes no pattern with it.
    """
    held = [(max(low, 1), high) for low, high in ranges if high]
    inside = "".join(literal(low) if low == high else f"{literal(low)}-{literal(high)}" for low, high in held)
    if not inside:
        return ANY if negated else "(?!)"
    return f"[{'^' if negated else ''}{inside}]"
