"""``manage.py report``."""

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Specimen
from tests.support.many import four_namespaces

BODY_MASS = "research.body_mass"


@pytest.fixture
def four(rows: None) -> list[Namespace]:
    """alpha, beta, gamma and delta, with random rows."""
    return four_namespaces()


def report(*arguments: str, **options: Any) -> tuple[str, str]:
    """What the command says: (stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    call_command("report", *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_list__names_every_report_and_its_dimensions() -> None:
    """Whoever knows nothing begins here."""
    out, _ = report("list")
    assert BODY_MASS in out
    assert "species,sex,island,study,namespace" in out


def test_list__as_json__is_json() -> None:
    """Programs read the list as well."""
    out, _ = report("list", "--json")
    assert {
        "name": BODY_MASS,
        "title": "Body mass",
        "group_by": ["species", "sex", "island", "study", "namespace"],
    } in json.loads(out)


def test_report__without_a_file__prints_a_table(four: list[Namespace]) -> None:
    """The table has a line per group and says what it is made of."""
    out, _ = report(BODY_MASS, "--group-by", "species,namespace")
    lines = out.splitlines()
    assert lines[0].split() == ["SPECIES", "NAMESPACE", "N", "MEAN", "SD", "MIN", "MEDIAN", "MAX"]
    assert lines[1].startswith("Adelie")
    assert "in 4 namespaces, as of" in out


def test_report__as_json__is_json(four: list[Namespace]) -> None:
    """Nothing but JSON is on stdout."""
    out, _ = report(BODY_MASS, "--json", "--group-by", "namespace")
    assert [row["namespace"] for row in json.loads(out)["rows"]] == ["alpha", "beta", "delta", "gamma"]


def test_report__empty_group_by__is_one_total(four: list[Namespace]) -> None:
    """An empty text is an answer: no dimension."""
    out, _ = report(BODY_MASS, "--json", "--group-by", "")
    assert len(json.loads(out)["rows"]) == 1


def test_report__named_namespaces__are_read_alone(four: list[Namespace]) -> None:
    """Spaces around commas do not matter."""
    out, _ = report(BODY_MASS, "--json", "--namespaces", " gamma , alpha")
    assert json.loads(out)["namespaces"] == ["alpha", "gamma"]


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet", "json", "png"])
def test_report__with_a_file__writes_it(four: list[Namespace], tmp_path: Path, suffix: str) -> None:
    """The suffix decides the format, and the command says where the file is."""
    path = tmp_path / f"mass.{suffix}"
    out, _ = report(BODY_MASS, "--group-by", "species,namespace", "--out", str(path))
    assert out.startswith(f"{path}: ")
    assert path.stat().st_size > 100


def test_report__files__say_the_same(four: list[Namespace], tmp_path: Path) -> None:
    """CSV, XLSX, Parquet and JSON hold the same table."""
    paths = {suffix: tmp_path / f"mass.{suffix}" for suffix in ("csv", "parquet", "json")}
    for path in paths.values():
        report(BODY_MASS, "--group-by", "species,sex", "--out", str(path))
    rows = json.loads(paths["json"].read_text())["rows"]
    frame = pd.read_parquet(paths["parquet"])
    with paths["csv"].open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert [row["n"] for row in rows] == frame["n"].tolist() == [int(row["n"]) for row in cells]
    assert [row["mean"] for row in rows] == frame["mean"].tolist() == [float(row["mean"]) for row in cells]


def test_report__twice__writes_the_same_bytes(four: list[Namespace], tmp_path: Path) -> None:
    """Tables and plots depend on the rows alone."""
    for form in ("csv", "png", "parquet"):
        paths = [tmp_path / f"{number}.{form}" for number in (1, 2)]
        for path in paths:
            report(BODY_MASS, "--group-by", "species,namespace", "--out", str(path))
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_report__formula_in_a_row__is_guarded_in_files(four: list[Namespace], tmp_path: Path) -> None:
    """What a member typed is not computed on the desk of staff."""
    with namespace_scope(four[0]), operation(actor=Actor.system()):
        Specimen.objects.update(species='=HYPERLINK("http://x","y")')
    for form in ("csv", "xlsx"):
        report(BODY_MASS, "--namespaces", "alpha", "--out", str(tmp_path / f"mass.{form}"))
    assert "'=HYPERLINK" in (tmp_path / "mass.csv").read_text()
    with zipfile.ZipFile(tmp_path / "mass.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_report__escape_sequences_in_a_row__do_not_reach_the_terminal(four: list[Namespace]) -> None:
    """Control characters are shown as question marks."""
    with namespace_scope(four[0]), operation(actor=Actor.system()):
        Specimen.objects.update(species="\x1b[2Jgone")
    out, _ = report(BODY_MASS, "--namespaces", "alpha")
    assert "?[2Jgone" in out
    assert "\x1b" not in out


REFUSALS = {
    "unknown report": (["research.mass"], r"research\.body_mass.*\[report-unknown\]"),
    "unknown dimension": ([BODY_MASS, "--group-by", "colour"], r"choose from species.*\[report-invalid\]"),
    "unknown namespace": ([BODY_MASS, "--namespaces", "nowhere"], "no namespace 'nowhere'"),
    "no namespace": ([BODY_MASS, "--namespaces", " , "], "names none"),
    "unknown suffix": (
        [BODY_MASS, "--out", "mass.doc"],
        r"choose from \.csv, \.xlsx, \.parquet, \.json, \.png",
    ),
    "no suffix": ([BODY_MASS, "--out", "mass"], "choose from"),
    "no folder": ([BODY_MASS, "--out", "nowhere/mass.csv"], "a folder that exists"),
    "a folder": ([BODY_MASS, "--out", "folder.csv"], "a folder that exists"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSALS.values(), ids=REFUSALS)
def test_report__asked_wrongly__says_what_there_is(
    rows: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """One line, a code, exit code 1, and no file."""
    monkeypatch.chdir(tmp_path)
    Path("folder.csv").mkdir()
    with pytest.raises(CommandError, match=message) as refused:
        report(*arguments)
    assert refused.value.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_report__broken_namespace__fails_and_keeps_the_old_file(
    four: list[Namespace], tmp_path: Path
) -> None:
    """Wrong totals are not written over right ones."""
    path = tmp_path / "mass.csv"
    path.write_text("before")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {connection.ops.quote_name(four[3].schema_name)} CASCADE")
    with pytest.raises(CommandError, match=r"delta .*missing.*--skip-broken.*\[report-incomplete\]"):
        report(BODY_MASS, "--out", str(path))
    assert path.read_text() == "before"


def test_report__broken_namespace_skipped__is_named_on_stderr(four: list[Namespace]) -> None:
    """Stdout stays fit for programs."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {connection.ops.quote_name(four[3].schema_name)} CASCADE")
    out, err = report(BODY_MASS, "--json", "--skip-broken")
    assert json.loads(out)["namespaces"] == ["alpha", "beta", "gamma"]
    assert err.startswith("Skipped delta: ")


def test_report__quiet__says_nothing(four: list[Namespace], tmp_path: Path) -> None:
    """``--verbosity 0`` writes the file and that is all."""
    assert report(BODY_MASS, "--out", str(tmp_path / "mass.csv"), verbosity=0) == ("", "")
    assert (tmp_path / "mass.csv").exists()
