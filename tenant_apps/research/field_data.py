"""Field data as it comes from the season's spreadsheet: read whole, or refused with all that is wrong."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from smartmodels.exceptions import InvalidInput
from tenant_apps.research.models import Observation, Specimen, Study

__all__ = ["Fault", "FieldDataInvalid", "FieldRecord", "read_field_data"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file: the line (from 1, the header), the column or None, and the reason."""

    line: int
    column: str | None
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.column is None else f"line {self.line}, {self.column}"
        return f"{place}: {self.reason}"


class FieldDataInvalid(InvalidInput):
    """The file cannot be used: the details list every fault with its line, column and reason."""

    code = "field-data-invalid"

    def __init__(self, name: str, faults: list[Fault]) -> None:
        listed = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(
            f"{name} cannot be loaded and nothing of it was: correct this and try again.\n{listed}",
            faults=faults,
        )


@dataclass(slots=True)
class FieldRecord:
    """One line of field data: the values of its study, its specimen and its observation."""

    line: int
    study: dict[str, Any] = field(default_factory=dict)
    specimen: dict[str, Any] = field(default_factory=dict)
    observation: dict[str, Any] = field(default_factory=dict)

    @property
    def study_key(self) -> tuple[str, str]:
        """Return what names the study: its code and its island."""
        return self.study["code"], self.study["island"]

    @property
    def specimen_key(self) -> tuple[Any, ...]:
        """Return what names the specimen: its study, its species and its number there."""
        return (*self.study_key, self.specimen["species"], self.specimen["number"])


def _text(cell: str) -> str:
    return "" if cell == "NA" else cell


def _number(cell: str) -> Decimal | None:
    if cell in ("", "NA"):
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]{1,30})?", cell):
        raise ValueError("is not a number such as 39.1")
    return Decimal(cell)


def _whole(cell: str) -> int | None:
    number = _number(cell)
    if number is not None and number != number.to_integral_value():
        raise ValueError("is not a whole number such as 181")
    return None if number is None else int(number)


def _decimal(places: int) -> Callable[[str], Decimal | None]:
    """Return a reader of numbers; the rounding noise of floating point (8.3945900000000009) is taken off."""
    step = Decimal(1).scaleb(-places)

    def read(cell: str) -> Decimal | None:
        number = _number(cell)
        if number is None:
            return None
        rounded = number.quantize(step)
        if abs(number - rounded) > Decimal("1e-12"):
            raise ValueError(f"has more than {places} decimal places")
        return rounded

    return read


def _date(cell: str) -> date | None:
    if cell in ("", "NA"):
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
            return date.fromisoformat(cell)
    except ValueError:
        pass
    raise ValueError("is not a date such as 2007-11-11")


def _one_of(choices: Mapping[str, Any], *nothing: str, empty: Any) -> Callable[[str], Any]:
    """Return a reader of words, in any case; ``nothing`` are the words that mean no value."""
    words = {**dict.fromkeys(nothing, empty), **choices}

    def read(cell: str) -> Any:
        if cell.lower() not in words:
            raise ValueError(f"is none of {', '.join(choices)}, NA")
        return words[cell.lower()]

    return read


_SEX = {"male": Specimen.Sex.MALE, "female": Specimen.Sex.FEMALE}

_COLUMNS: dict[str, tuple[Callable[[str], Any], tuple[str, ...]]] = {
    "studyName": (_text, ("study.code",)),
    "Sample Number": (_whole, ("specimen.number",)),
    "Species": (_text, ("specimen.species",)),
    "Region": (_text, ("study.region",)),
    "Island": (_text, ("study.island",)),
    "Stage": (_text, ("specimen.stage",)),
    "Individual ID": (_text, ("specimen.individual",)),
    "Clutch Completion": (
        _one_of({"yes": True, "no": False}, "", "na", empty=None),
        ("specimen.clutch_complete",),
    ),
    # The nest was found with its first egg, and sampled, on this day.
    "Date Egg": (_date, ("specimen.egg_date", "observation.observed_on")),
    "Culmen Length (mm)": (_decimal(1), ("observation.culmen_length_mm",)),
    "Culmen Depth (mm)": (_decimal(1), ("observation.culmen_depth_mm",)),
    "Flipper Length (mm)": (_whole, ("observation.flipper_length_mm",)),
    "Body Mass (g)": (_whole, ("observation.body_mass_g",)),
    "Sex": (_one_of(_SEX, "", "na", ".", empty=""), ("specimen.sex",)),
    "Delta 15 N (o/oo)": (_decimal(5), ("observation.delta_15_n",)),
    "Delta 13 C (o/oo)": (_decimal(5), ("observation.delta_13_c",)),
    "Comments": (_text, ("observation.comments",)),
}
"""The columns of the file: how a cell is read, and which fields it fills."""

_COLUMN_OF = {target: column for column, (_, targets) in _COLUMNS.items() for target in targets}
_MODELS: dict[str, type[models.Model]] = {"study": Study, "specimen": Specimen, "observation": Observation}


def read_field_data(path: Path) -> list[FieldRecord]:
    """Read a CSV file of field data: UTF-8, a header, ``NA`` for what was not measured.

    Raises FieldDataInvalid, whose details hold every fault of the file, unless all of it can be used.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FieldDataInvalid(path.name, [Fault(1, None, f"cannot be read: {error.strerror}")]) from error
    faults: list[Fault] = []
    records = _records(content, faults)
    _check_together(records, faults)
    if faults:
        raise FieldDataInvalid(path.name, sorted(faults, key=lambda fault: fault.line))
    return records


def _records(content: bytes, faults: list[Fault]) -> list[FieldRecord]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        faults.append(Fault(1, None, "the file is UTF-16: save it as CSV in UTF-8"))
        return []
    lines = _lines(content.decode("utf-8-sig", "surrogateescape"), faults)
    header = next(lines, None)
    if header is None:
        # A fault of the very first line is the better reason.
        faults.extend([] if faults else [Fault(1, None, "the file is empty")])
        return []
    columns = [cell.strip() for cell in header[1]]
    if bad := list(_header_faults(columns)):
        faults.extend(bad)
        return []
    records = [_record(line, cells, columns, faults) for line, cells in lines]
    if not records and not faults:
        faults.append(Fault(2, None, "there is a header but no data below it"))
    return [record for record in records if record is not None]


def _lines(text: str, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of every line that is not blank; quoted cells may span lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            faults.append(Fault(line, None, f"is not CSV: {error}"))
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _header_faults(columns: list[str]) -> Iterator[Fault]:
    for column in _COLUMNS:
        if column not in columns:
            yield Fault(1, column, "the column is missing")
        elif columns.count(column) > 1:
            yield Fault(1, column, "the column is there more than once")
    for column in columns:
        if column not in _COLUMNS:
            yield Fault(1, _shown(column), "is no column of field data: remove or rename it")


def _record(line: int, cells: list[str], columns: list[str], faults: list[Fault]) -> FieldRecord | None:
    """Return the record of a line, or None after noting all that is wrong with it."""
    if len(cells) != len(columns):
        faults.append(Fault(line, None, f"has {len(cells)} cells where the header has {len(columns)}"))
        return None
    record = FieldRecord(line)
    found = []
    for column, cell in zip(columns, cells, strict=True):
        read, targets = _COLUMNS[column]
        try:
            value = read(_clean(cell))
        except ValueError as error:
            found.append(Fault(line, column, f"{_shown(cell)} {error}"))
            continue
        for target in targets:
            kind, _, name = target.partition(".")
            getattr(record, kind)[name] = value
    found = found or list(_refused(record))
    faults.extend(found)
    return None if found else record


def _clean(cell: str) -> str:
    if "\x00" in cell:
        raise ValueError("holds a NUL character")
    if any("\udc80" <= character <= "\udcff" for character in cell):
        raise ValueError("is not UTF-8: save the file as CSV in UTF-8")
    return cell.strip()


def _shown(cell: str) -> str:
    shown = ascii(cell if len(cell) <= 40 else f"{cell[:40]}...")
    # A byte that is not UTF-8 was decoded to a surrogate.
    return shown.replace("\\udc", "\\x")


def _refused(record: FieldRecord) -> Iterator[Fault]:
    """Yield what the models' own validation says against the values."""
    for kind, model in _MODELS.items():
        values = getattr(record, kind)
        others = {each.name for each in model._meta.concrete_fields} - values.keys()
        try:
            model(**values).clean_fields(exclude=others)
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                yield Fault(record.line, _COLUMN_OF[f"{kind}.{name}"], " ".join(messages))


def _check_together(records: list[FieldRecord], faults: list[Fault]) -> None:
    """Note specimens that are there twice and studies that contradict themselves."""
    specimens: dict[tuple[Any, ...], int] = {}
    studies: dict[tuple[str, str], FieldRecord] = {}
    for record in records:
        first = specimens.setdefault(record.specimen_key, record.line)
        if first != record.line:
            faults.append(Fault(record.line, "Sample Number", f"is the same specimen as in line {first}"))
        study = studies.setdefault(record.study_key, record)
        if study.study != record.study:
            reason = f"is {_shown(record.study['region'])}, but another one in line {study.line}"
            faults.append(Fault(record.line, "Region", reason))
