"""JavaScript's regular expressions in PostgreSQL's form.

The pattern is parsed and written anew, so that nothing of PostgreSQL's own syntax gets in: ``.`` and ``$``,
word boundaries and shorthands mean what they do in JavaScript (one character is one code point). Groups do
not capture, unless they are referred back to, and what bounds repeat is limited: what is left is matched by
an automaton, in linear time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from smartmodels.rest.filtering.caps import REPEATED
from smartmodels.rest.filtering.characters import LINE_ENDS, SETS, Ranges, literal, spelled
from smartmodels.rest.filtering.errors import Unreadable
from smartmodels.rest.filtering.escapes import character_at

__all__ = ["translated"]

_FORM = re.compile(r"/(?P<pattern>.*)/(?P<flags>[A-Za-z]*)\Z", re.DOTALL)
_FLAGS = frozenset("igm")
_BOUND = re.compile(r"\{(?P<least>[0-9]+)(?P<range>,(?P<most>[0-9]*))?\}")
_GROUPS = ("(?:", "(?=", "(?!", "(?<=", "(?<!")
_NAME = re.compile(r"\(\?<(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)>")
_REFERENCE = re.compile(r"[1-9][0-9]?|k<(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)>")
_GROUP_DEPTH = 30
_MOST = 255
"""The largest bound that PostgreSQL knows."""

_WORD = spelled(SETS["w"])
_BOUNDARY = f"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_NO_BOUNDARY = f"(?:(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD}))"
_ENDS = spelled(LINE_ENDS)


class _Part(NamedTuple):
    """A piece of the pattern: its text, how often bounds repeat it, whether it may be repeated at all."""

    text: str
    repeats: int = 1
    can_repeat: bool = True


def translated(given: str) -> tuple[str, str]:
    """Return PostgreSQL's pattern and the flags of ``/pattern/flags`` or of a bare pattern.

    Raises Unreadable for a pattern that is none or repeats too much, and for flags other than i, g, m, each
    of them once.
    """
    form = _FORM.match(given)
    pattern, flags = (form["pattern"], form["flags"]) if form else (given, "")
    if strange := "".join(flag for flag in flags if flag not in _FLAGS or flags.count(flag) > 1):
        raise Unreadable(f"invalid regexp flags {strange[:20]}")
    return _Translation(pattern, multiline="m" in flags).whole(), flags


class _Translation:
    """One pass over a pattern."""

    def __init__(self, pattern: str, *, multiline: bool) -> None:
        self._text, self._at, self._depth, self._around = pattern, 0, 0, 0
        self._groups: list[str | None] = []
        self._refers = _refers_back(pattern)
        self._start = f"(?:^|(?<={_ENDS}))" if multiline else "^"
        self._end = f"(?:$|(?={_ENDS}))" if multiline else "$"

    def whole(self) -> str:
        """Return the whole pattern."""
        part = self._alternatives()
        if self._at < len(self._text):
            raise self._invalid("unbalanced parenthesis")
        return part.text

    def _invalid(self, why: str, at: int | None = None) -> Unreadable:
        return Unreadable(f"invalid regexp: {why} at position {self._at if at is None else at}")

    def _alternatives(self) -> _Part:
        branches = [self._sequence()]
        while self._text[self._at : self._at + 1] == "|":
            self._at += 1
            branches.append(self._sequence())
        return _Part("|".join(each.text for each in branches), max(each.repeats for each in branches))

    def _sequence(self) -> _Part:
        parts = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._quantified(self._atom()))
        return _Part("".join(each.text for each in parts), max((each.repeats for each in parts), default=1))

    # Repetition

    def _quantified(self, part: _Part) -> _Part:
        sign = self._text[self._at : self._at + 1]
        bound = _BOUND.match(self._text, self._at) if sign == "{" else None
        if not bound and (not sign or sign not in "*+?"):
            return part
        if not part.can_repeat:
            raise self._invalid("nothing to repeat")
        text, repeats = self._bounds(bound) if bound else (sign, 1)
        self._at = bound.end() if bound else self._at + 1
        if self._text[self._at : self._at + 1] == "?":
            self._at += 1  # whether it is lazy makes no difference to whether it matches
        if part.repeats * repeats > REPEATED:
            raise self._invalid("too many repetitions")
        return _Part(part.text + text, part.repeats * repeats)

    def _bounds(self, bound: re.Match[str]) -> tuple[str, int]:
        least = int(bound["least"][:6])
        most = int(bound["most"][:6]) if bound["most"] else least
        if least > _MOST or most > _MOST:
            raise self._invalid(f"at most {_MOST} repetitions")
        if most < least:
            raise self._invalid("numbers out of order")
        given = f",{bound['most']}" if bound["range"] else ""
        return f"{{{least}{given}}}", max(least, most, 1)

    # Atoms

    def _atom(self) -> _Part:
        character = self._text[self._at]
        if character == "(":
            return self._group()
        if character == "[":
            return self._class()
        if character in "*+?" or (character == "{" and _BOUND.match(self._text, self._at)):
            raise self._invalid("nothing to repeat")
        self._at += 1
        if character == "\\":
            return self._escape()
        if character in "^$":
            return _Part(self._start if character == "^" else self._end, can_repeat=False)
        return _Part(spelled(LINE_ENDS, negated=True) if character == "." else literal(ord(character)))

    def _escape(self) -> _Part:
        letter = self._text[self._at : self._at + 1]
        if letter in ("b", "B"):
            self._at += 1
            return _Part(_BOUNDARY if letter == "b" else _NO_BOUNDARY, can_repeat=False)
        if letter in SETS:
            self._at += 1
            return _Part(spelled(SETS[letter]))
        if (reference := _REFERENCE.match(self._text, self._at)) and (number := self._number(reference)):
            self._at = reference.end()
            return _Part(f"(?:\\{number})")
        code, self._at = character_at(self._text, self._at)
        return _Part(literal(code) if code else spelled(()))

    def _number(self, reference: re.Match[str]) -> int:
        """Return the number of a group that is complete or open by now; 0 if there is none."""
        name = reference["name"]
        number = self._groups.index(name) + 1 if name in self._groups else 0
        number = number if name else int(reference[0])
        if self._around:
            raise self._invalid("a back reference within a look-around is not known here")
        return number if number <= len(self._groups) else 0

    # Groups

    def _group(self) -> _Part:
        began = self._at
        opening = self._opening()
        looks = opening not in ("(", "(?:")
        self._depth += 1
        self._around += looks
        if self._depth > _GROUP_DEPTH:
            raise self._invalid(f"more than {_GROUP_DEPTH} groups within one another")
        inner = self._alternatives()
        if self._text[self._at : self._at + 1] != ")":
            raise self._invalid("missing ), unterminated subpattern", began)
        self._at += 1
        self._depth -= 1
        self._around -= looks
        return _Part(f"{opening}{inner.text})", inner.repeats, can_repeat=not looks)

    def _opening(self) -> str:
        known = next((each for each in _GROUPS if self._text.startswith(each, self._at)), None)
        if known:
            self._at += len(known)
            return known
        name = _NAME.match(self._text, self._at)
        if name is None and self._text.startswith("(?", self._at):
            raise self._invalid("unknown kind of group")
        self._at = name.end() if name else self._at + 1
        if self._refers and self._around:
            raise self._invalid("back references do not go with groups within a look-around")
        self._groups.append(name["name"] if name else None)
        return "(" if self._refers else "(?:"

    # Classes

    def _class(self) -> _Part:
        began = self._at
        self._at += 1
        negated = self._text[self._at : self._at + 1] == "^"
        self._at += negated
        ranges: list[tuple[int, int]] = []
        while (character := self._text[self._at : self._at + 1]) != "]":
            if not character:
                raise self._invalid("unterminated character set", began)
            ranges += self._range(self._member())
        self._at += 1
        return _Part(spelled(ranges, negated=negated))

    def _range(self, low: Ranges | int) -> Ranges:
        """Return what a member stands for, with what follows a ``-`` behind it."""
        ranged = self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] != "]"
        if not ranged:
            return ((low, low),) if isinstance(low, int) else low
        self._at += 1
        if self._at >= len(self._text):
            raise self._invalid("unterminated character set")
        high = self._member()
        if isinstance(low, int) and isinstance(high, int):
            if high < low:
                raise self._invalid("character range out of order")
            return ((low, high),)
        each = [((end, end),) if isinstance(end, int) else end for end in (low, high)]
        return (*each[0], (0x2D, 0x2D), *each[1])

    def _member(self) -> Ranges | int:
        character = self._text[self._at]
        self._at += 1
        if character != "\\":
            return ord(character)
        letter = self._text[self._at : self._at + 1]
        if letter in SETS:
            self._at += 1
            return SETS[letter]
        if letter == "b":
            self._at += 1
            return 0x08
        code, self._at = character_at(self._text, self._at)
        return code


def _refers_back(pattern: str) -> bool:
    """Tell whether there may be back references; pairs of backslashes do not make one."""
    return re.search(r"\\(?:[1-9]|k<)", pattern.replace("\\\\", "")) is not None
