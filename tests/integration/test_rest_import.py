"""NDJSON goes in chunk by chunk; what was committed is skipped when the import goes on, whatever ended it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from smartmodels.context import namespace_scope
from smartmodels.history import history_model
from tenant_apps.research.models import Study
from tests.support.bulk import STUDIES, codes, count_of, new_studies
from tests.support.clients import ApiClient
from tests.support.databases import ROOT

IMPORT = f"{STUDIES}import/?import=0190a000-0000-7000-8000-000000000001"
LINES = 2_500


@pytest.fixture
def api(api_of: Callable[..., ApiClient], ana: Any, alpha: Any) -> ApiClient:
    return api_of(ana, alpha)


def ndjson(rows: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def states(answer: Any) -> list[tuple[str, int]]:
    """What became of every chunk, and how many rows it made."""
    return [(chunk["state"], chunk["created"]) for chunk in answer.json()["chunks"]]


def test_import__2500_lines__are_three_chunks(api: ApiClient, alpha: Any) -> None:
    """Each with its report; every row has a version."""
    answer = api.send_lines(IMPORT, ndjson(new_studies(LINES)))
    with namespace_scope(alpha):
        versions = history_model(Study).objects.count()
    assert (answer.status_code, states(answer), versions) == (
        200, [("committed", 1000), ("committed", 1000), ("committed", 500)], LINES,
    )  # fmt: skip


def test_import__line_refused__stops_before_its_chunk(api: ApiClient, alpha: Any) -> None:
    """What was committed stays; the line is named."""
    lines = ndjson([*new_studies(1500), {"nonsense": 1}])
    report = api.send_lines(IMPORT, lines).json()
    errors = {(each["line"], each["pointer"]) for each in report["chunks"][1]["errors"]}
    assert (report["state"], count_of(alpha, Study), errors) == (
        "stopped", 1000, {(1501, "/1501/code"), (1501, "/1501/nonsense")},
    )  # fmt: skip


def test_import__sent_again_mended__goes_on(api: ApiClient, alpha: Any) -> None:
    """The committed chunk is skipped."""
    api.send_lines(IMPORT, ndjson([*new_studies(1000), {"nonsense": 1}]))
    answer = api.send_lines(IMPORT, ndjson(new_studies(1001)))
    assert (states(answer), count_of(alpha, Study)) == ([("skipped", 1000), ("committed", 1)], 1001)


def test_import__committed_lines_differ__is_refused(api: ApiClient, alpha: Any) -> None:
    """Nobody goes on with another file by mistake."""
    api.send_lines(IMPORT, ndjson(new_studies(3)))
    assert (api.send_lines(IMPORT, ndjson(new_studies(2))).status_code, len(codes(alpha))) == (422, 3)


def test_import__lenient__leaves_out_what_is_wrong(api: ApiClient, alpha: Any) -> None:
    """Lines that are no JSON as well."""
    lines = ndjson(new_studies(1)) + b"{x\n\n" + ndjson([{"code": "Z"}, {"code": "Z"}])
    report = api.send_lines(IMPORT, lines, prefer="handling=lenient").json()
    assert ([each["line"] for each in report["chunks"][0]["errors"]], codes(alpha)) == (
        [2, 5, 5],
        ["C0", "Z"],
    )


def test_import__report__is_told_to_who_imports(
    api: ApiClient, api_of: Callable[..., ApiClient], ben: Any, alpha: Any, beta: Any
) -> None:
    """And to nobody else."""
    api.send_lines(IMPORT, ndjson(new_studies(3)))
    asked = [client.get(IMPORT.partition("?")[0], **{"import": IMPORT.partition("=")[2]}).json()
             for client in (api, api_of(ben, alpha), api_of(ben, beta))]  # fmt: skip
    assert [report["created"] for report in asked] == [3, 0, 0]


@pytest.mark.parametrize(("address", "status"), [(f"{STUDIES}import/?import=x", 400), (IMPORT, 200)])
def test_import__without_lines_or_id__is_answered(api: ApiClient, address: str, status: int) -> None:
    """A 400 for what makes no sense, never a 500."""
    assert api.send_lines(address, b"").status_code == status


KILLED = """
import os, signal, sys
import django; django.setup()
from django.db import connection
from tests.integration.test_rest_import import IMPORT, LINES, ndjson
from tests.support.bulk import new_studies
from tests.support.clients import ApiClient
from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
api = ApiClient(User.objects.get(email="ana@example.org"), Namespace.objects.get(slug="alpha"))
chunks = 0

def execute(run, sql, *rest):
    global chunks
    done = run(sql, *rest)
    if 'INSERT INTO "operations_importchunk"' in sql:
        chunks += 1
        if chunks == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    return done

with connection.execute_wrapper(execute):
    api.send_lines(IMPORT, ndjson(new_studies(LINES)))
"""


def test_import__killed_in_its_second_chunk__goes_on_where_it_was(
    committing: Any, api: ApiClient, alpha: Any
) -> None:
    """Nothing is lost and nothing is there twice."""
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}{os.pathsep}{ROOT}",
               "DJANGO_SETTINGS_MODULE": "tests.settings"}  # fmt: skip
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", KILLED], cwd=ROOT, env=environ, check=False)
    before = count_of(alpha, Study)
    answer = api.send_lines(IMPORT, ndjson(new_studies(LINES)))
    assert (done.returncode, before, states(answer), count_of(alpha, Study)) == (
        -signal.SIGKILL, 1000, [("skipped", 1000), ("committed", 1000), ("committed", 500)], LINES,
    )  # fmt: skip
