"""A list as a file: the same rows, all of them, in bounded memory, and no cell is a formula."""

import csv
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pyarrow import parquet

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.rest.renderers import exporting
from tenant_apps.research.models import Observation, Specimen, Study

STUDIES, OBSERVATIONS = "/api/v1/studies/", "/api/v1/observations/"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.fixture
def api(api_of: Callable[..., Any], ana: Any, alpha: Any) -> Any:
    """Ana, owner of alpha, with some studies and observations."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        texts = [*FORMULAS, 'quote " , and\r\nline', "\u2028 \U0001f427", ""]
        Study.objects.bulk_create([Study(code=f"S{n}", notes=text) for n, text in enumerate(texts)])
        specimen = Specimen.objects.create(
            study=Study.objects.first(), number=1, individual="N", species="Adelie", clutch_complete=True
        )
        Observation.objects.create(specimen=specimen, delta_13_c=Decimal("-1.50000"), body_mass_g=3750)
        Observation.objects.create(specimen=specimen)
    return api_of(ana, alpha)


@pytest.fixture
def three_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks are small."""
    monkeypatch.setattr(exporting, "_AT_ONCE", 3)


def body(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def rows_of_sheet(content: bytes) -> list[str]:
    """The XML of each row of the first sheet."""
    with zipfile.ZipFile(BytesIO(content)) as book:
        return book.read("xl/worksheets/sheet1.xml").decode().split("<row ")[1:]


@pytest.mark.parametrize("asked", ["format", "accept"])
@pytest.mark.parametrize(
    ("form", "kind"),
    [("ndjson", "application/x-ndjson"), ("csv", "text/csv"), ("xlsx", XLSX),
     ("parquet", "application/vnd.apache.parquet")],
)  # fmt: skip
def test_export__asked_either_way__is_a_private_file(api: Any, asked: str, form: str, kind: str) -> None:
    """By `Accept` or by `?format=`, under the name of the list."""
    response = (
        api.get(STUDIES, format=form) if asked == "format" else api.get(STUDIES, headers={"accept": kind})
    )
    assert body(response)
    assert response.headers["Content-Type"] == kind
    assert response.headers["Content-Disposition"] == f'attachment; filename="studies.{form}"'
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_ndjson__all_rows__are_those_of_the_pages(api: Any, three_at_once: None) -> None:
    """Every line is what a page would have shown, byte by byte."""
    lines = body(api.get(STUDIES, format="ndjson")).split(b"\n")
    page = api.get(STUDIES).content
    assert (lines.pop(), page.split(b'"results":')[1]) == (b"", b"[" + b",".join(lines) + b"]}")


def test_csv__all_rows__are_read_back(api: Any, three_at_once: None) -> None:
    """Quotes, commas and line ends survive, formulas are texts."""
    read = list(csv.DictReader(StringIO(body(api.get(STUDIES, format="csv")).decode(), newline="")))
    told = [row["notes"] for row in api.get(STUDIES).json()["results"]]
    assert [row["notes"] for row in read] == ["'" + text if text in FORMULAS else text for text in told]
    assert [row["id"] for row in read] == [row["id"] for row in api.get(STUDIES).json()["results"]]


def test_csv__numbers__stay_numbers(api: Any) -> None:
    """A minus sign of a number is no formula; no value is an empty cell."""
    read = list(csv.DictReader(StringIO(body(api.get(OBSERVATIONS, format="csv")).decode(), newline="")))
    assert [(row["delta_13_c"], row["body_mass_g"]) for row in read] == [("-1.50000", "3750"), ("", "")]


def test_xlsx__formulas__are_texts_and_numbers_are_numbers(api: Any) -> None:
    """No cell of the sheet has a formula."""
    content = body(api.get(STUDIES, format="xlsx"))
    sheet = "".join(rows_of_sheet(content))
    assert "<f>" not in sheet
    assert all(f"&#39;{text}" in sheet or f"'{text}" in sheet for text in FORMULAS[:4])
    assert "<v>-1.5</v>" in rows_of_sheet(body(api.get(OBSERVATIONS, format="xlsx")))[1]


def test_parquet__columns__have_their_types(api: Any, three_at_once: None) -> None:
    """Decimals keep their digits, moments their zone; nothing is guarded, since programs read it."""
    table = parquet.read_table(BytesIO(body(api.get(OBSERVATIONS, format="parquet"))))
    assert table.column("delta_13_c").to_pylist() == [Decimal("-1.50000"), None]
    types = {
        name: str(table.schema.field(name).type) for name in ("created_at", "body_mass_g", "observed_on")
    }
    assert types == {
        "created_at": "timestamp[us, tz=UTC]",
        "body_mass_g": "int64",
        "observed_on": "date32[day]",
    }
    studies = parquet.read_table(BytesIO(body(api.get(STUDIES, format="parquet"))))
    assert studies.column("notes").to_pylist()[0] == "=1+1"


@pytest.mark.parametrize("form", ["ndjson", "csv", "xlsx", "parquet"])
def test_export__nothing_found__is_an_empty_file(api: Any, form: str) -> None:
    """No rows are no error."""
    content = body(api.get(STUDIES, format=form, filter='{"where": {"code": "nothing"}}'))
    assert {
        "ndjson": lambda: content == b"",
        "csv": lambda: content.count(b"\r\n") == 1,
        "xlsx": lambda: len(rows_of_sheet(content)) == 1,
        "parquet": lambda: parquet.read_table(BytesIO(content)).num_rows == 0,
    }[form]()


def test_export__filtered_ordered_and_limited__is_that_part(api: Any, three_at_once: None) -> None:
    """What a list may be asked, a file may be asked; a limit is not that of a page."""
    lines = body(api.get(STUDIES, format="ndjson", filter='{"order": "code DESC", "limit": 4}')).splitlines()
    assert [json.loads(line)["code"] for line in lines] == ["S8", "S7", "S6", "S5"]


def test_export__many_rows__is_read_in_chunks(api: Any, three_at_once: None, alpha: Any) -> None:
    """One statement per chunk, no more rows at a time, and the first before anything is sent."""
    with CaptureQueriesContext(connection) as sent:
        response = api.get(STUDIES, format="csv")
        first = len(sent)
        body(response)
    texts = [query["sql"] for query in sent if "sharing_grant" not in query["sql"]]
    chunks = [sql for sql in texts if 'FROM "research_study"' in sql]
    assert (len(chunks), all("LIMIT 4" in sql for sql in chunks), len(sent) - first) == (3, True, 2)


def test_export__of_another_namespace__shows_its_own_rows(
    api: Any, api_of: Callable[..., Any], bea: Any, beta: Any
) -> None:
    """A file has what a list would have."""
    assert body(api_of(bea, beta).get(STUDIES, format="ndjson")) == b""


def test_export__of_nobody__is_refused(api_of: Callable[..., Any], alpha: Any) -> None:
    """The same rights."""
    assert api_of(None, alpha).get(STUDIES, format="csv").status_code == 401


@pytest.mark.parametrize("form", ["yaml", "", "api", "html"])
def test_export__unknown_form__is_refused_by_name(api: Any, form: str) -> None:
    """The forms that there are, are named."""
    response = api.get(STUDIES, format=form)
    assert (response.status_code, response.json()["errors"][0]["parameter"]) == (400, "format")


def test_export__mistake_in_the_filter__is_a_problem(api: Any) -> None:
    """An error is JSON, whatever was to come."""
    response = api.get(STUDIES, format="csv", filter='{"order": "secret"}')
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_export__package_missing__is_refused_with_what_to_do(
    api: Any, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """406 tells which forms there are without it."""
    monkeypatch.setitem(exporting._FILES, form, "no_such_package.write")
    response = api.get(STUDIES, format=form)
    assert (response.status_code, response.json()["code"]) == (406, "format-unavailable")
    assert "csv" in response.json()["detail"]


def test_xlsx__text_longer_than_a_cell__is_refused(api: Any, alpha: Any, ana: Any) -> None:
    """Nothing is cut off silently."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Study.objects.create(code="LONG", notes="x" * 40_000)
    response = api.get(STUDIES, format="xlsx")
    assert (response.status_code, response.json()["code"]) == (413, "export-too-large")
    assert b"x" * 40_000 in body(api.get(STUDIES, format="csv"))


def test_export__head__has_no_body(api: Any) -> None:
    """Headers alone."""
    response = api._client.head(STUDIES, {"format": "csv"})
    assert (response.status_code, response.content) == (200, b"")
