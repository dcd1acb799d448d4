"""Results as files."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartmodels.querysets.cells import guarded
from smartmodels.reports import FORMATS, Dimension, Measure, Report, ReportResult, render, write
from smartmodels.reports.errors import ReportInvalid

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx")


def result_of(*species: str | None) -> ReportResult:
    """A result with one group per species."""
    made = Report(
        "tests.made",
        "Made",
        lambda: None,
        (Measure("mass", "Mass", unit="g"),),
        (Dimension("species", "Species"),),
        (),
    )
    rows = len(species)
    frame = pd.DataFrame(
        {
            "species": list(species),
            "n": [2] * rows,
            "mean": [-3.5] * rows,
            "sd": [float("nan")] * rows,
            "min": pd.array([-4] * rows, dtype="Int64"),
            "median": [-3.5] * rows,
            "max": pd.array([None] * rows, dtype="Int64"),
        }
    )
    return ReportResult(
        made, made.dimensions, frame, ("alpha",), {}, 2 * rows, datetime(2026, 1, 2, tzinfo=UTC)
    )


def cells_of(workbook: bytes) -> list[str]:
    """Every text in an XLSX file."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        strings = ET.fromstring(archive.read("xl/sharedStrings.xml"))  # noqa: S314 - our own
    return [node.text or "" for node in strings.iter() if node.tag.endswith("}t")]


def formulas_of(workbook: bytes) -> list[Any]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
    return [node for node in sheet.iter() if node.tag.endswith("}f")]


# Formulas


@given(st.text())
def test_guard__any_text__never_begins_a_formula(text: str) -> None:
    """Whatever people typed, no spreadsheet computes it, and nothing of it is lost."""
    safe = guarded(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert safe.removeprefix("'") == text or safe == text


@pytest.mark.parametrize("value", [-1, -1.5, None, True])
def test_guard__numbers__stay_numbers(value: Any) -> None:
    """A negative number is no formula."""
    assert guarded(value) is value


@pytest.mark.parametrize("text", FORMULAS)
def test_csv__text_like_a_formula__is_guarded(text: str) -> None:
    """The cell begins with an apostrophe."""
    rows = list(csv.reader(io.StringIO(render(result_of(text), "csv").decode(), newline="")))
    assert rows[1][0] == f"'{text}"


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)"])
def test_xlsx__text_like_a_formula__is_guarded(text: str) -> None:
    """The workbook holds a text, and no formula at all."""
    content = render(result_of(text), "xlsx")
    assert f"'{text}" in cells_of(content)
    assert formulas_of(content) == []


def test_csv__negative_numbers__are_numbers() -> None:
    """The guard is for texts alone; what is missing is empty."""
    assert render(result_of("Adelie"), "csv").decode() == (
        "species,n,mean,sd,min,median,max\r\nAdelie,2,-3.5,,-4,-3.5,\r\n"
    )


# Formats


def test_csv__quotes_and_line_breaks__survive() -> None:
    """A cell may hold anything."""
    text = 'a,"b"\nc'
    rows = list(csv.reader(io.StringIO(render(result_of(text), "csv").decode(), newline="")))
    assert rows[1][0] == text


def test_json__missing_values__are_null() -> None:
    """JSON has no NaN."""
    document = json.loads(render(result_of("Adelie", None), "json"))
    assert document["rows"][0]["sd"] is None
    assert document["rows"][0]["max"] is None
    assert document["rows"][1]["species"] is None


def test_json__says_what_was_asked() -> None:
    """The document explains itself."""
    document = json.loads(render(result_of("Adelie"), "json"))
    assert {
        name: document[name] for name in ("report", "group_by", "namespaces", "skipped", "rows_read")
    } == {
        "report": "tests.made",
        "group_by": ["species"],
        "namespaces": ["alpha"],
        "skipped": {},
        "rows_read": 2,
    }


def test_parquet__keeps_types_and_texts() -> None:
    """Parquet is for programs: nothing is guarded, integers stay integers."""
    table = pq.read_table(io.BytesIO(render(result_of("=1"), "parquet")))
    assert table.column("species").to_pylist() == ["=1"]
    assert str(table.schema.field("min").type) == "int64"


def test_png__is_a_picture_and_the_same_each_time() -> None:
    """A plot depends on the result alone."""
    first = render(result_of("Adelie", "Gentoo"), "png")
    assert first.startswith(b"\x89PNG\r\n\x1a\n")
    assert first == render(result_of("Adelie", "Gentoo"), "png")


@pytest.mark.parametrize("names", [(), ("",), (None,), ("$x$", "a" * 300), ("\u4f01\u9d5d", "\x07")])
def test_png__odd_groups__are_drawn(names: tuple[str | None, ...]) -> None:
    """No groups, no name, formula signs, scripts the font lacks: a picture all the same."""
    assert render(result_of(*names), "png").startswith(b"\x89PNG")


def test_png__many_groups__stays_of_a_size_people_can_look_at() -> None:
    """The rest is in the table."""
    picture = render(result_of(*(f"species {number}" for number in range(400))), "png")
    assert int.from_bytes(picture[20:24], "big") < 3500


def test_render__no_group_by__works_in_every_format() -> None:
    """One total without dimensions is a result as well."""
    total = replace(result_of("x"), group_by=(), frame=result_of("x").frame.drop(columns="species"))
    assert all(render(total, form) for form in FORMATS)


# Files


def test_write__replaces_what_was_there(tmp_path: Path) -> None:
    """The new file stands in the place of the old one, with nothing beside it."""
    path = tmp_path / "mass.csv"
    path.write_text("old")
    write(result_of("Adelie"), path)
    assert path.read_text().startswith("species,")
    assert list(tmp_path.iterdir()) == [path]


def test_write__fails_half_way__leaves_the_old_file(tmp_path: Path) -> None:
    """Where the new file cannot be put in place, the old one stays and no draft is left."""
    path = tmp_path / "mass.csv"
    path.mkdir()
    with pytest.raises(ReportInvalid):
        write(result_of("Adelie"), path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["mass", "mass.doc", "nowhere/mass.csv", "x" * 300 + ".csv"])
def test_write__place_that_is_none__is_refused(tmp_path: Path, name: str) -> None:
    """Unknown suffixes, missing folders and impossible names are one clear error."""
    with pytest.raises(ReportInvalid):
        write(result_of("Adelie"), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
