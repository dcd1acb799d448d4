"""NDJSON, one object per line, read as it comes: never more of it in memory than a chunk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from smartmodels.rest.parsing import parse_json

__all__ = ["CHUNK_LINES", "Chunk", "NDJSONParser", "chunks_of"]

CHUNK_LINES = 1_000
"""The most lines that are written in one transaction."""

CHUNK_BYTES = 4 * 1024 * 1024
"""From this size on a chunk is full, however few its lines: what is in memory is bounded by it."""

_LINE_MAX = 1024 * 1024
_AT_ONCE = 64 * 1024


class NDJSONParser(BaseParser):
    """Hands the stream on unread."""

    media_type = "application/x-ndjson"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the stream itself."""
        return stream


@dataclass(slots=True)
class Chunk:
    """Some lines that follow one another; ``first`` is the number of the first one, from 1."""

    number: int
    first: int
    lines: list[bytes] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Return what tells these lines from others."""
        return hashlib.sha256(b"\n".join(self.lines)).hexdigest()

    @staticmethod
    def row(line: bytes) -> Any:
        """Return what a line says; raise ParseError or InvalidInputHere."""
        return parse_json(line)


def _lines(stream: Any) -> Iterator[bytes]:
    """Yield the lines without their ends; raise ParseError for one that does not end."""
    rest = b""
    if not hasattr(stream, "read"):  # an empty body
        return
    while block := stream.read(_AT_ONCE):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
        if len(rest) > _LINE_MAX:
            raise ParseError(f"A line is longer than {_LINE_MAX} bytes.")
    if rest:
        yield rest


def chunks_of(stream: Any) -> Iterator[Chunk]:
    """Yield the lines of the stream in chunks; blank ones count, but say nothing."""
    chunk, size = Chunk(1, 1), 0
    for line in _lines(stream):
        chunk.lines.append(line.strip())
        size += len(line)
        if len(chunk.lines) == CHUNK_LINES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = Chunk(chunk.number + 1, chunk.first + len(chunk.lines)), 0
    if chunk.lines:
        yield chunk
