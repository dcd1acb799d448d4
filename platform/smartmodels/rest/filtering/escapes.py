"""Escapes of JavaScript's regular expressions that stand for one character."""

from __future__ import annotations

import re

from smartmodels.rest.filtering.errors import Unreadable

__all__ = ["character_at"]

_NAMED = {"n": 0x0A, "r": 0x0D, "t": 0x09, "v": 0x0B, "f": 0x0C}
_HEX = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")
_LOW_HALF = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def character_at(text: str, at: int) -> tuple[int, int]:
    """Return the character that the escape after a backslash stands for, and where it ends.

    Raises Unreadable for a lone half of a surrogate pair, and for an escape that is not finished.
    """
    letter = text[at : at + 1]
    if not letter:
        raise Unreadable("invalid regexp: a lone backslash at the end")
    if letter in _NAMED:
        return _NAMED[letter], at + 1
    if letter == "c" and text[at + 1 : at + 2].isascii() and text[at + 1 : at + 2].isalpha():
        return ord(text[at + 1]) % 32, at + 2
    if match := _HEX.match(text, at):
        return _whole(text, int(match[1] or match[2], 16), match.end())
    if letter.isascii() and letter.isdigit():
        raise Unreadable(f"invalid regexp: there is no group for \\{letter} at position {at - 1}")
    return ord(letter), at + 1


def _whole(text: str, code: int, end: int) -> tuple[int, int]:
    if 0xD800 <= code <= 0xDBFF and (low := _LOW_HALF.match(text, end)):
        return 0x10000 + ((code - 0xD800) << 10) + (int(low[1], 16) - 0xDC00), low.end()
    if 0xD800 <= code <= 0xDFFF:
        raise Unreadable("invalid regexp: unpaired surrogates cannot be searched for")
    return code, end
