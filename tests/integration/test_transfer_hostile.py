"""Files that nobody should believe, and rows of every kind that must arrive as they are."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_apps.accounts.models import User
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.tenancy.models import new_key
from smartmodels.transfer.accounts import Owners
from smartmodels.transfer.archive import ArchiveReader, ArchiveWriter
from smartmodels.transfer.errors import ArchiveInvalid, ArchiveNewer
from smartmodels.transfer.fresh import Beside
from smartmodels.transfer.importing import check_archive, load_rows
from tests.support.moving import checksum, exported, fill
from tests.zoo.models import Animal, Enclosure, Tag

Change = Callable[[dict[str, Any], dict[str, bytes]], None]


def rewritten(content: bytes, change: Change) -> io.BytesIO:
    """The file with a change, and every checksum right again: what a liar would send."""
    reader = ArchiveReader(io.BytesIO(content))
    files = {name: content[each.offset : each.offset + each.size] for name, each in reader.members.items()}
    manifest = json.loads(files.pop("manifest.json"))
    del files["manifest.sha256"]
    change(manifest, files)
    for part in (*manifest.get("tables", ()), *manifest.get("shared", ())):
        if isinstance(part, dict) and part.get("file") in files:
            part["sha256"] = sha256(files[part["file"]]).hexdigest()
            part["bytes"] = len(files[part["file"]])
    said = json.dumps(manifest).encode()
    file = io.BytesIO()
    writer = ArchiveWriter(file)
    seal = f"{sha256(said).hexdigest()}\n".encode()
    for name, held in (*files.items(), ("manifest.json", said), ("manifest.sha256", seal)):
        writer.add(name, [held])
    writer.close()
    return file


def part(manifest: dict[str, Any], table: str) -> dict[str, Any]:
    """What the manifest says of a table."""
    return next(each for each in (*manifest["tables"], *manifest["shared"]) if each["table"] == table)


@pytest.fixture
def archive(alpha: Any, ana: Any) -> bytes:
    """Alpha as a file."""
    fill(alpha, ana, rows=1)
    return exported(alpha)


def test_file__with_any_bit_changed__is_refused(archive: bytes) -> None:
    """Every bit of it counts, wherever it stands; a file that ends early is none."""

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.integers(0, len(archive) - 1), st.integers(0, 7), st.booleans())
    def flip(place: int, bit: int, cut: bool) -> None:
        content = bytearray(archive)
        content[place] ^= 1 << bit
        broken = bytes(content[:place]) if cut else bytes(content)
        with pytest.raises((ArchiveInvalid, ArchiveNewer)):
            check_archive(io.BytesIO(broken))

    flip()


def test_file__of_anything_else__is_refused() -> None:
    """Whatever bytes there are, the answer is a sentence."""

    @settings(max_examples=50, deadline=None, database=None)
    @given(st.binary(max_size=2000))
    def feed(content: bytes) -> None:
        with pytest.raises(ArchiveInvalid):
            check_archive(io.BytesIO(content))

    feed()


def _newer(manifest: dict[str, Any], _: dict[str, bytes]) -> None:
    manifest["migrations"].append("research.9999_later")


def _format(manifest: dict[str, Any], _: dict[str, bytes]) -> None:
    manifest["format"] = 2


def _set(key: str, value: Any) -> Change:
    def change(manifest: dict[str, Any], _: dict[str, bytes]) -> None:
        manifest[key] = value

    return change


def _part(key: str, value: Any) -> Change:
    def change(manifest: dict[str, Any], _: dict[str, bytes]) -> None:
        part(manifest, "research_study")[key] = value

    return change


def _further(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    files["../../etc/cron.d/x"] = b"* * * * * root true\n"


LIES: dict[str, Change] = {
    "newer": _newer,
    "format": _format,
    "tables": _set("tables", {"a": 1}),
    "slug": _set("slug", 7),
    "name": _set("name", "x\u0000y"),
    "more": _set("owner", "me"),
    "path": _part("file", "../../etc/passwd"),
    "table": _part("table", 'study"; DROP SCHEMA public; --'),
    "huge": _part("rows", 10**30),
    "negative": _part("rows", -1),
    "columns": _part("columns", ["id", "id"]),
    "further": _further,
    "sequences": _set("sequences", {"a.b": [10**40, True]}),
}


@pytest.mark.parametrize("lie", LIES)
def test_manifest__that_lies__is_refused_before_anything_is_made(lie: str, archive: bytes) -> None:
    """However well its checksums fit."""
    with pytest.raises((ArchiveInvalid, ArchiveNewer)):
        check_archive(rewritten(archive, LIES[lie]))


# Loading into a schema that nobody uses


@pytest.fixture
def place(beta: Any) -> Beside:
    """Tables without rows."""
    return Beside(beta.pk, beta.slug, beta.schema_name)


def _load(file: io.BytesIO, bound: Beside) -> int:
    with operation(actor=Actor.system("tests")):
        return load_rows(*check_archive(file), bound, owners=Owners.CREATE)


def _rename_table(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    found = part(manifest, "research_study")
    files["tables/accounts_user.copy"] = files.pop(found["file"])
    found.update(table="accounts_user", file="tables/accounts_user.copy")


def _miss_table(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    found = part(manifest, "research_study")
    manifest["tables"].remove(found)
    del files[found["file"]]


def _extra_column(manifest: dict[str, Any], _: dict[str, bytes]) -> None:
    part(manifest, "research_study")["columns"].append("is_staff")


def _say(table: str, change: Callable[[bytes], bytes]) -> Change:
    def apply(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        found = part(manifest, table)
        files[found["file"]] = change(files[found["file"]])

    return apply


ROWS: dict[str, Change] = {
    "other table": _rename_table,
    "missing table": _miss_table,
    "extra column": _extra_column,
    "early end": _say("research_study", lambda rows: b"\\.\n" + rows),
    "garbage": _say("research_study", lambda rows: rows + b"\x00\xff\n"),
    "twice": _say("research_study", lambda rows: rows + rows),
    "broken key": _say("research_study", lambda _: b""),
    "account": _say(
        "accounts", lambda rows: rows.replace(b"ana@example.org", b"no address").replace(b"0", b"1")
    ),
    "kind": _say("content_types", lambda rows: rows.replace(b"research", b"elsewhere")),
}


def test_rows__that_do_not_fit__are_refused_and_leave_nothing(
    archive: bytes, place: Beside, alpha: Any
) -> None:
    """Tables, columns, rows, keys and accounts: each lie is a sentence, and the schema stays empty."""
    before, people = checksum(place.schema_name), User.objects.count()
    for lie, change in ROWS.items():
        with pytest.raises(ArchiveInvalid), transaction.atomic():
            _load(rewritten(archive, change), place)
        assert (checksum(place.schema_name), User.objects.count()) == (before, people), lie


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ODD_TEXTS = st.sampled_from(
    ["\\N", "\\.", "\\", "a\\nb", "\t", "\n", "\r\n", "", "\u2028", "\U0001f9ac", "'\"{}"]
)
ANIMALS = st.fixed_dictionaries({
    "name": ODD_TEXTS | TEXT,
    "photo": ODD_TEXTS | TEXT,
    "payload": JSON,
    "weight": st.none() | st.decimals(-(10**5), 10**5, places=6, allow_nan=False).map(Decimal),
    "ratio": st.none() | st.floats(allow_nan=True),
    "chip": st.none() | st.uuids(),
    "seen_at": st.none() | st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC)),  # noqa: DTZ001
})  # fmt: skip


def test_rows__of_every_kind__arrive_as_they_are(alpha: Any, ana: Any, place: Beside) -> None:
    """Whatever text, number, moment or JSON there is: the copy holds what the original does."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        yard = Enclosure.objects.create(name="yard")

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(ANIMALS, min_size=1, max_size=8), ODD_TEXTS | TEXT)
    def move(animals: list[dict[str, Any]], label: str) -> None:
        with transaction.atomic():
            with namespace_scope(alpha), operation(actor=Actor.user(ana)):
                tag = Tag.objects.create(label=f"{new_key()}{label}"[:50])
                for number, each in enumerate(animals):
                    # Two animals never share a chip.
                    values = {**each, "chip": each["chip"] if number == 0 else None}
                    made = Animal.objects.create(enclosure=yard, **values)
                    made.tags.add(tag)
            _load(io.BytesIO(exported(alpha)), place)
            assert _without_records(place.schema_name) == _without_records(alpha.schema_name)
            transaction.set_rollback(True)

    move()


def _without_records(schema: str) -> str:
    return checksum(schema, leave_out="django_migrations")
