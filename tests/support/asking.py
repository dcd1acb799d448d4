"""Give tasks to the processes of tests/support/mortal.py, or of another such program."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.databases import ROOT


@contextmanager
def asking(program: str = "mortal", **environment: str) -> Iterator[Callable[..., Any]]:
    """Yield what gives a task to a process on the test's database and returns the answer.

    The process runs a module of tests.support, and has these variables in its environment as well.
    """
    path = os.pathsep.join((str(ROOT / "platform"), str(ROOT)))
    with subprocess.Popen(
        [sys.executable, "-m", f"tests.support.{program}"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path, **environment}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout

        def answer(**task: Any) -> Any:
            print(json.dumps(task), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield answer
        process.stdin.close()
