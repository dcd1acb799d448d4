"""The container of an exported namespace: an uncompressed tar of plain files, nothing else.

Written so that the same content gives the same bytes: no owners, no times, one order. Read strictly:
whatever the writer would not write is refused, and no name in the file is ever used as a path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tarfile import BLOCKSIZE, GNU_FORMAT, NUL, REGTYPE, HeaderError, TarInfo
from typing import BinaryIO

from smartmodels.transfer.errors import ArchiveInvalid

__all__ = ["ArchiveReader", "ArchiveWriter", "Member", "refuse"]

CHUNK = 1 << 18
"""Bytes that are held in memory at a time."""

_END = NUL * BLOCKSIZE * 2
_MOST_MEMBERS = 40_000


def refuse(what: str) -> ArchiveInvalid:
    """Return the error for a file that is not, or no longer, what an export wrote."""
    return ArchiveInvalid(f"The file cannot be used: {what} Nothing was made of it; export again.")


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the archive; ``offset`` is where its bytes begin, ``lines`` how many newlines they hold."""

    name: str
    offset: int
    size: int
    lines: int = 0
    sha256: str = ""


def _header(name: str, size: int) -> bytes:
    info = TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(GNU_FORMAT, "ascii", "strict")


def _larger(chunks: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Yield the bytes in pieces of a size that is worth handling: COPY gives a row at a time."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        if len(held) >= CHUNK:
            yield bytes(held)
            held.clear()
    yield bytes(held)


class ArchiveWriter:
    """Writes members one after the other into a file that can seek, since sizes are known only at the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def add(self, name: str, chunks: Iterable[bytes | memoryview]) -> Member:
        """Write a member; return it with its size, its number of lines and its digest."""
        start = self._file.tell()
        self._file.write(NUL * BLOCKSIZE)
        size, lines, digest = 0, 0, hashlib.sha256()
        for content in _larger(chunks):
            self._file.write(content)
            digest.update(content)
            size, lines = size + len(content), lines + content.count(b"\n")
        self._file.write(NUL * (-size % BLOCKSIZE))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_header(name, size))
        self._file.seek(end)
        return Member(name, start + BLOCKSIZE, size, lines, digest.hexdigest())

    def close(self) -> None:
        """Write what ends the archive."""
        self._file.write(_END)


class ArchiveReader:
    """The members of an archive by name, found by walking the headers; raises ArchiveInvalid."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        self.members = {member.name: member for member in self._walk()}

    def _walk(self) -> Iterator[Member]:
        offset = 0
        seen: set[str] = set()
        while (block := self._at(offset, BLOCKSIZE)) != NUL * BLOCKSIZE:
            member = self._member(block, offset)
            if member.name in seen or len(seen) >= _MOST_MEMBERS:
                raise refuse(f"it names {member.name!r} twice, or holds too many files.")
            seen.add(member.name)
            yield member
            end, padding = member.offset + member.size, -member.size % BLOCKSIZE
            if self._at(end, padding) != NUL * padding:
                raise refuse(f"something stands behind {member.name!r}.")
            offset = end + padding
        if self._at(offset, len(_END) + 1) != _END:
            raise refuse("something stands after its end.")

    def _member(self, block: bytes, offset: int) -> Member:
        try:
            info = TarInfo.frombuf(block, "ascii", "strict")
        except (HeaderError, ValueError) as error:
            raise refuse(f"at byte {offset} there is no valid header.") from error
        begin = offset + BLOCKSIZE
        if info.type != REGTYPE or not 0 <= info.size <= self.size - begin:
            raise refuse(f"the header at byte {offset} is none that an export writes.")
        if _header(info.name, info.size) != block:
            raise refuse(f"the header of {info.name!r} is none that an export writes.")
        return Member(info.name, begin, info.size)

    def _at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        block = self._file.read(length)
        if len(block) < min(length, len(_END)):
            raise refuse("it ends before its end.")
        return block

    def read(self, name: str, *, most: int) -> bytes:
        """Return a small member as a whole; raise ArchiveInvalid if it is missing or larger than ``most``."""
        member = self.members.get(name)
        if member is None or member.size > most:
            raise refuse(f"{name} is missing or too large.")
        self._file.seek(member.offset)
        content = self._file.read(member.size)
        if len(content) != member.size:
            raise refuse("it ends before its end.")
        return content

    def chunks(self, name: str, sha256: str) -> Iterator[bytes]:
        """Yield the bytes of a member; raise ArchiveInvalid in the end if their digest is another."""
        member, digest = self.members[name], hashlib.sha256()
        left, place = member.size, member.offset
        while left:
            self._file.seek(place)
            chunk = self._file.read(min(left, CHUNK))
            if not chunk:
                raise refuse("it ends before its end.")
            digest.update(chunk)
            left, place = left - len(chunk), place + len(chunk)
            yield chunk
        if digest.hexdigest() != sha256:
            raise refuse(f"{name} was changed: its checksum is another.")
