"""`manage.py` in a process of its own, on the test's database."""

import os
import subprocess
import sys

from tests.support.databases import ROOT

PATIENCE_SECONDS = 120


def manage(*words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, whatever its exit code."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        cwd=ROOT, env=dict(os.environ), input=stdin, capture_output=True, text=True, check=False,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip
