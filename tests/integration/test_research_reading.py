"""Real field data is read whole; a bad file is refused with everything that is wrong with it."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tenant_apps.research.services import Fault, FieldDataInvalid, read_field_data

FIELD_DATA = Path(__file__).resolve().parents[2] / "tenant_apps" / "research" / "data" / "penguins_raw.csv"
ORIGINAL = FIELD_DATA.read_bytes()

Faults = Callable[[bytes], list[Fault]]


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    """``faults(content)``: what reading a file of this content objects to."""

    def read(content: bytes) -> list[Fault]:
        path = tmp_path / "field.csv"
        path.write_bytes(content)
        with pytest.raises(FieldDataInvalid) as caught:
            read_field_data(path)
        found: list[Fault] = caught.value.details["faults"]
        return found

    return read


def only(found: list[Fault]) -> tuple[int, str | None, str]:
    """The single fault, as (line, column, reason)."""
    [fault] = found
    return fault.line, fault.column, fault.reason


def first_lines(count: int) -> bytes:
    """The header and ``count`` rows of the real file."""
    return b"".join(ORIGINAL.splitlines(keepends=True)[: count + 1])


# What is right


def test_read_field_data__real_file__has_every_row_of_every_island() -> None:
    """The totals per island are those of the season's books."""
    islands = Counter(record.study["island"] for record in read_field_data(FIELD_DATA))
    assert islands == {"Torgersen": 52, "Biscoe": 168, "Dream": 124}


def test_read_field_data__real_file__has_every_species() -> None:
    """The totals per species are those of the season's books."""
    species = Counter(record.specimen["species"].split()[0] for record in read_field_data(FIELD_DATA))
    assert species == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}


def test_read_field_data__value_not_measured__is_none() -> None:
    """NA is no value, not the text NA."""
    record = read_field_data(FIELD_DATA)[3]
    assert (record.observation["body_mass_g"], record.specimen["sex"]) == (None, "")


def test_read_field_data__floating_point_noise__is_taken_off() -> None:
    """8.3945900000000009 was written by a program that meant 8.39459."""
    record = next(record for record in read_field_data(FIELD_DATA) if record.line == 99)
    assert record.observation["delta_15_n"] == Decimal("8.39459")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"\n", b"\r\n", id="CRLF"),
        pytest.param(b"\n", b"\r", id="CR"),
        pytest.param(b"studyName", b"\xef\xbb\xbfstudyName", id="BOM"),
        pytest.param(b"\n", b"\n\n", id="blank lines"),
        pytest.param(b",Yes,", b", yes ,", id="case and spaces"),
        pytest.param(b",MALE,", b",male,", id="lower case"),
    ],
)
def test_read_field_data__other_spelling_of_the_same__is_read_alike(
    tmp_path: Path, old: bytes, new: bytes
) -> None:
    """Line ends, byte order mark, case and spaces do not change what is read."""
    path = tmp_path / "field.csv"
    path.write_bytes(ORIGINAL.replace(old, new))
    wanted = [(each.study, each.specimen, each.observation) for each in read_field_data(FIELD_DATA)]
    assert [(each.study, each.specimen, each.observation) for each in read_field_data(path)] == wanted


def test_read_field_data__sex_written_as_a_dot__is_unknown(tmp_path: Path) -> None:
    """Older versions of the file write a dot where the sex could not be told."""
    path = tmp_path / "field.csv"
    path.write_bytes(first_lines(1).replace(b",MALE,", b",.,"))
    assert read_field_data(path)[0].specimen["sex"] == ""


# What is wrong

ROW = 2
BAD_CELLS = [
    (b",39.1,", b",39-1,", "Culmen Length (mm)", "not a number"),
    (b",39.1,", b",NaN,", "Culmen Length (mm)", "not a number"),
    (b",39.1,", b",1e2,", "Culmen Length (mm)", "not a number"),
    (b",39.1,", b",39.15,", "Culmen Length (mm)", "more than 1 decimal place"),
    (b",39.1,", b",-39.1,", "Culmen Length (mm)", "greater than or equal to 0"),
    (b",39.1,", b",99999.1,", "Culmen Length (mm)", "no more than"),
    (b",181,", b",181.5,", "Flipper Length (mm)", "not a whole number"),
    (b",181,", b",40000,", "Flipper Length (mm)", "less than or equal to 32767"),
    (b",3750,", b",99999999999,", "Body Mass (g)", "less than or equal to"),
    (b",3750,", "\N{ARABIC-INDIC DIGIT THREE}".encode().join([b",", b","]), "Body Mass (g)", "not a number"),
    (b"2007-11-11", b"11/11/07", "Date Egg", "not a date"),
    (b"2007-11-11", b"2007-02-30", "Date Egg", "not a date"),
    (b"2007-11-11", b"2007-W45-7", "Date Egg", "not a date"),
    (b",MALE,", b",M,", "Sex", "is none of male, female, NA"),
    (b",Yes,", b",Perhaps,", "Clutch Completion", "is none of yes, no, NA"),
    (b",N1A1,", b",NA,", "Individual ID", "cannot be blank"),
    (b",N1A1,", b",N\xe91A1,", "Individual ID", "not UTF-8"),
    (b",N1A1,", b",N\x001A1,", "Individual ID", "NUL"),
    (b",N1A1,", b"," + b"N" * 21 + b",", "Individual ID", "at most 20 characters"),
    (b"PAL0708,1,", b"PAL0708,NA,", "Sample Number", "cannot be null"),
    (b"PAL0708,1,", b"PAL0708,-1,", "Sample Number", "greater than or equal to 0"),
    (b"PAL0708,1,", b"NA,1,", "studyName", "cannot be blank"),
]


@pytest.mark.parametrize(("old", "new", "column", "reason"), BAD_CELLS)
def test_read_field_data__bad_cell__is_named(
    faults: Faults, old: bytes, new: bytes, column: str, reason: str
) -> None:
    """A bad value is reported by line, column and reason."""
    line, found, said = only(faults(first_lines(1).replace(old, new)))
    assert (line, found) == (ROW, column)
    assert reason in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\n\n", "the file is empty"),
        (first_lines(0), "no data"),
        (first_lines(2).decode().encode("utf-16"), "UTF-16"),
        (first_lines(1).replace(b",MALE,", b",MALE,MALE,"), "18 cells where the header has 17"),
        (first_lines(1).replace(b",MALE,", b","), "16 cells where the header has 17"),
        (first_lines(1) + b'PAL0708,"open', "is not CSV"),
        (first_lines(1) + b'PAL0708,"a"b"', "is not CSV"),
        (first_lines(1) + b"x" * 200_000, "is not CSV"),
    ],
)
def test_read_field_data__bad_shape__is_named(faults: Faults, content: bytes, reason: str) -> None:
    """A file that is not the table it should be is reported as such."""
    assert reason in only(faults(content))[2]


def test_read_field_data__missing_and_unknown_columns__are_all_named(faults: Faults) -> None:
    """Every column is reported, so that the header needs one correction."""
    found = faults(ORIGINAL.replace(b"Species", b"Kind").replace(b"Sex", b"Gender"))
    columns = [fault.column for fault in found]
    assert columns == ["Species", "Sex", "'Kind'", "'Gender'"]


def test_read_field_data__column_twice__is_named(faults: Faults) -> None:
    """Nobody guesses which of two columns is meant."""
    content = ORIGINAL.replace(b"Comments\n", b"Comments,Sex\n")
    assert only(faults(content)) == (1, "Sex", "the column is there more than once")


def test_read_field_data__many_bad_rows__are_all_reported(faults: Faults) -> None:
    """One run tells everything there is to correct."""
    found = faults(ORIGINAL.replace(b"MALE", b"?"))
    wanted = [line for line, text in enumerate(ORIGINAL.splitlines(), 1) if b"MALE" in text]
    assert [fault.line for fault in found] == wanted


def test_read_field_data__quoted_cell_over_lines__keeps_line_numbers_right(faults: Faults) -> None:
    """The line is that of the file, as an editor counts."""
    content = (
        first_lines(3)
        .replace(b"Not enough blood", b'"Not\nenough blood')
        .replace(b"isotopes.\n", b'isotopes."\n')
    )
    content = content.replace(b"40.3", b"forty")
    assert only(faults(content))[:2] == (5, "Culmen Length (mm)")


def test_read_field_data__same_specimen_twice__is_refused(faults: Faults) -> None:
    """Two lines that name one specimen contradict each other."""
    content = first_lines(1) + first_lines(1).splitlines()[1] + b"\n"
    assert only(faults(content)) == (3, "Sample Number", "is the same specimen as in line 2")


def test_read_field_data__study_in_two_regions__is_refused(faults: Faults) -> None:
    """A study has one region; the second would be lost."""
    content = first_lines(2).replace(
        b"PAL0708,2,Adelie Penguin (Pygoscelis adeliae),Anvers", b"PAL0708,2,Adelie,Ross"
    )
    assert only(faults(content)) == (3, "Region", "is 'Ross', but another one in line 2")


def test_read_field_data__no_such_file__is_said(tmp_path: Path) -> None:
    """A file that is not there is a sentence, not a traceback."""
    with pytest.raises(FieldDataInvalid, match="cannot be read: No such file"):
        read_field_data(tmp_path / "none.csv")
