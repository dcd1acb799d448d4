"""Fenced blocks of a page, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which

FENCE = re.compile(r"^```(?P<info>[^`]*)$")
PROMPT = "$ "


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, the words after that, its text."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    def option(self, name: str) -> str:
        """The value of a word ``name=value``; empty when there is none."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), "")


@dataclass(frozen=True)
class Command:
    """A command of a console block, and what it is said to print (None: anything)."""

    place: str
    text: str
    expected: str | None
    background: bool


def blocks_of(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    opened: tuple[int, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if fence and opened is None:
            opened, lines = (number, fence["info"]), []
        elif fence and opened is not None:
            language, *words = opened[1].split() or [""]
            yield Block(page, opened[0], language, tuple(words), "\n".join(lines))
            opened = None
        else:
            lines.append(line)
    assert opened is None, f"{page}: the block of line {opened} has no end"


def commands_of(block: Block) -> Iterator[Command]:
    """The commands of a console block; one goes on while a quote is open or after a backslash."""
    lines = block.text.splitlines()
    position = 0
    while position < len(lines):
        assert lines[position].startswith(PROMPT) or not lines[position], (
            f"{block.page}:{block.line} begins with output"
        )
        place, text = f"{block.page.name}:{block.line + 1 + position}", lines[position].removeprefix(PROMPT)
        position += 1
        while position < len(lines) and _goes_on(text):
            text += "\n" + lines[position]
            position += 1
        output = []
        while position < len(lines) and not lines[position].startswith(PROMPT):
            output.append(lines[position])
            position += 1
        if text:
            yield Command(place, text, "\n".join(output).strip() or None, "background" in block.words)


def commands_to_type(page: Path) -> Iterator[Command]:
    """The commands of a page, in order; where it shows a file, the command that writes it.

    What needs a program that is not installed here (``needs=node``) is left out.
    """
    for block in blocks_of(page):
        if block.option("needs") and which(block.option("needs")) is None:
            continue
        if block.language == "console":
            yield from commands_of(block)
        elif block.option("file"):
            text = f"cat > {block.option('file')} <<'END OF FILE'\n{block.text}\nEND OF FILE"
            yield Command(f"{page.name}:{block.line}", text, None, background=False)


def _goes_on(text: str) -> bool:
    if text.endswith("\\"):
        return True
    try:
        shlex.split(text)
    except ValueError:
        return True
    return False


def is_said(expected: str, printed: str) -> bool:
    """Whether the output is what the page says; ``...`` is anything, and any white space is the same."""
    parts = (r"\s+".join(map(re.escape, re.split(r"\s+", part))) for part in expected.split("..."))
    return re.fullmatch(".*?".join(parts), printed.strip(), re.DOTALL) is not None
