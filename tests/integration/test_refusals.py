"""How commands are refused when they were asked for JSON."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.support.databases import ROOT

CALLS = """
import json, os, sys
import django
django.setup()
from io import StringIO
from django.core.management import execute_from_command_line
told = []
for words in json.load(sys.stdin):
    sys.stderr = StringIO()
    code = 0
    try:
        execute_from_command_line(["manage.py", *words])
    except SystemExit as error:
        code = error.code
    told.append([code, sys.stderr.getvalue()])
print(json.dumps(told))
"""


def run(*calls: list[str]) -> list[Any]:
    """Exit code and stderr of each call of manage.py, all in one process of their own."""
    path = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", CALLS], input=json.dumps(calls), cwd=ROOT, text=True, check=True,
        env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE,
    )  # fmt: skip
    return list(json.loads(done.stdout))


def test_refusal__with_json__is_json_with_the_same_exit_code(committing: Any) -> None:
    """The last line of stderr, whatever the command; without it, one sentence."""
    calls = [
        ["namespace", "show", "nope"],
        ["history", "verify", "--namespace", "nope"],
        ["purge", "--namespace", "nope", "--yes"],
        ["migrate", "--namespace", "nope"],
        ["migrate_schemas", "--schema", "nope"],
        ["application", "list", "nope"],
        ["report", "nope"],
        ["account", "show", "nope@example.org"],
        ["worker", "--queues", "nope"],
    ]
    plain, as_json = run(*calls), run(*([*call, "--json"] for call in calls))
    assert [code for code, _ in as_json] == [code for code, _ in plain] == [1] * len(calls)
    for (_, words), (_, text) in zip(plain, as_json, strict=True):
        error = json.loads(text.splitlines()[-1])["error"]
        assert error["detail"] in words
        assert f"[{error['code']}]" in words or error["code"] == "refused"


def test_refusal__with_json__has_what_a_program_needs(committing: Any) -> None:
    """Code, sentence and details, and no word beside them."""
    [[code, text]] = run(["namespace", "show", "nope", "--json"])
    known = json.loads(text)["error"]
    assert (code, known["code"], known["details"]) == (1, "namespace-not-found", {"slug": "nope"})
