"""What an exported namespace says about itself: ``manifest.json``, sealed by ``manifest.sha256``."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy.uploads import is_safe
from smartmodels.transfer.archive import ArchiveReader, ArchiveWriter, refuse
from smartmodels.transfer.errors import ArchiveNewer

__all__ = [
    "FORMAT",
    "LEFT_OUT",
    "MOST_FILES",
    "Manifest",
    "Part",
    "Upload",
    "read_manifest",
    "write_manifest",
]

FORMAT = 1
"""The version of the format; a reader refuses newer ones."""

LEFT_OUT = (
    "applications", "domains", "grants", "keys", "passwords", "sessions", "tokens",
)  # fmt: skip
"""What an export never holds."""

MOST_FILES = 20_000
"""How many uploaded files an archive holds at most."""

_NAME, _SEAL = "manifest.json", "manifest.sha256"
_LARGEST = 16 << 20
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_$]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MIGRATION = re.compile(r"[a-z_][a-z0-9_]*\.[A-Za-z0-9_]+")
_MOST = 2**63 - 1
_LONGEST_NAME = 1000
_FILE = re.compile(r"files/[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Part:
    """One table: its file in the archive, its columns in the order of the file, rows, bytes, digest."""

    table: str
    file: str
    columns: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file: what rows call it, its file in the archive, bytes, digest."""

    name: str
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the archive holds: a namespace's tables, and of the shared ones what its rows refer to.

    ``sequences`` is ``{table.column: (last value, whether it was used)}``, ``migrations`` are those
    applied to the schema, as ``app.name``, and ``fingerprint`` is the digest of them and of all columns.
    ``missing`` are files that rows name and nobody has, ``members`` pairs of an address and a role.
    """

    slug: str
    name: str
    sentinel: str
    migrations: tuple[str, ...]
    fingerprint: str
    tables: tuple[Part, ...]
    shared: tuple[Part, ...]
    sequences: dict[str, tuple[int, bool]]
    files: tuple[Upload, ...] = ()
    missing: tuple[str, ...] = ()
    members: tuple[tuple[str, str], ...] = ()
    format: int = FORMAT
    left_out: tuple[str, ...] = field(default=LEFT_OUT)

    @property
    def rows(self) -> int:
        """Return how many rows all tables have."""
        return sum(part.rows for part in self.tables)

    def parts(self) -> tuple[Part, ...]:
        """Return all tables, those of the namespace first."""
        return (*self.tables, *self.shared)

    def held(self) -> list[Part | Upload]:
        """Return everything that is a file in the archive."""
        return [*self.parts(), *self.files]

    def part(self, table: str) -> Part:
        """Return the shared table of this name; raise ArchiveInvalid if there is none."""
        for part in self.shared:
            if part.table == table:
                return part
        raise refuse(f"it has no table {table!r}.")


def write_manifest(writer: ArchiveWriter, manifest: Manifest) -> None:
    """Write the manifest and its seal."""
    text = json.dumps(asdict(manifest), indent=1, sort_keys=True, ensure_ascii=True)
    content = f"{text}\n".encode("ascii")
    if len(content) > _LARGEST:
        raise InvalidInput("The manifest is too large: the rows name too many files, or too long ones.")
    writer.add(_NAME, [content])
    writer.add(_SEAL, [f"{hashlib.sha256(content).hexdigest()}\n".encode("ascii")])


def read_manifest(reader: ArchiveReader) -> Manifest:
    """Return the manifest; raise ArchiveInvalid unless it is sealed, well-formed and fits the files.

    Raises ArchiveNewer for a format that this version does not know.
    """
    content = reader.read(_NAME, most=_LARGEST)
    if reader.read(_SEAL, most=65) != f"{hashlib.sha256(content).hexdigest()}\n".encode("ascii"):
        raise refuse("its manifest was changed: its checksum is another.")
    try:
        given = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise refuse("its manifest is no JSON.") from error
    manifest = _manifest(given)
    every: list[Part | Upload] = manifest.held()
    files = {each.file: each.bytes for each in every}
    if len(files) != len(every) or len({each.name for each in manifest.files}) != len(manifest.files):
        raise refuse("its manifest names a file twice.")
    held = {name: each.size for name, each in reader.members.items() if name not in (_NAME, _SEAL)}
    if held != files:
        odd, _ = min(set(held.items()) ^ set(files.items()))
        raise refuse(f"{odd!r} is not as the manifest says.")
    return manifest


def _manifest(given: Any) -> Manifest:
    if not isinstance(given, dict) or not _is_count(given.get("format")):
        raise refuse("its manifest says nothing of its format.")
    if given["format"] > FORMAT:
        raise ArchiveNewer(
            f"The file is of format {given['format']}, newer than {FORMAT}: upgrade this installation first."
        )
    names = set(Manifest.__dataclass_fields__)
    if set(given) != names:
        raise refuse(f"its manifest has other entries than {', '.join(sorted(names))}.")
    try:
        return Manifest(
            slug=_text(given["slug"], 31),
            name=_text(given["name"], 200),
            sentinel=_text(given["sentinel"], 36),
            migrations=tuple(_matching(each, _MIGRATION) for each in _list(given["migrations"])),
            fingerprint=_matching(given["fingerprint"], _DIGEST),
            tables=tuple(_part(each, "tables") for each in _list(given["tables"])),
            shared=tuple(_part(each, "shared") for each in _list(given["shared"])),
            sequences={_text(key, 127): _sequence(each) for key, each in given["sequences"].items()},
            files=tuple(_upload(each) for each in _list(given["files"])),
            missing=tuple(_name(each) for each in _list(given["missing"])),
            members=tuple(_member(each) for each in _list(given["members"])),
            format=given["format"],
            left_out=tuple(_text(each, 63) for each in _list(given["left_out"])),
        )
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise refuse(f"its manifest is malformed: {error}.") from error


def _part(given: Any, folder: str) -> Part:
    if set(given) != set(Part.__dataclass_fields__):
        raise ValueError("a table has other entries than it should")
    table = _matching(given["table"], _IDENTIFIER)
    columns = tuple(_matching(each, _IDENTIFIER) for each in _list(given["columns"]))
    if given["file"] != f"{folder}/{table}.copy" or not columns or len(set(columns)) != len(columns):
        raise ValueError(f"the file or the columns of {table} are odd")
    if not (_is_count(given["rows"]) and _is_count(given["bytes"])) or given["bytes"] < given["rows"]:
        raise ValueError(f"the size of {table} is odd")
    return Part(
        table, given["file"], columns, given["rows"], given["bytes"], _matching(given["sha256"], _DIGEST)
    )


def _upload(given: Any) -> Upload:
    if set(given) != set(Upload.__dataclass_fields__):
        raise ValueError("an uploaded file has other entries than it should")
    name = _name(given["name"])
    if not is_safe(name) or not _is_count(given["bytes"]):
        raise ValueError(f"{name[:40]!r} is no uploaded file")
    return Upload(name, _matching(given["file"], _FILE), given["bytes"], _matching(given["sha256"], _DIGEST))


def _name(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise ValueError("the name of a file is too long, or none")
    return value


def _member(given: Any) -> tuple[str, str]:
    email, role = given
    return _text(email, 254), _text(role, 10)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list is something else")
    return value


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise ValueError("a text is too long, or none")
    return value


def _matching(value: Any, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{str(value)[:40]!r} is no name")
    return value


def _sequence(value: Any) -> tuple[int, bool]:
    number, used = value
    if type(number) is not int or not -_MOST <= number <= _MOST or type(used) is not bool:
        raise ValueError("a sequence is odd")
    return number, used
