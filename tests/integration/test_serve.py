"""What cannot be served is refused with a sentence."""

import os
import socket
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.management.commands.serve import Command

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "words", [("--port", "0"), ("--port", "65536"), ("--workers", "0"), ("--threads", "0")]
)
def test_serve__impossible_number__is_refused(words: tuple[str, str]) -> None:
    """Before anything is started."""
    with pytest.raises(CommandError, match="--port is 1 to 65535"):
        call_command("serve", *words)


@pytest.mark.parametrize(("threads", "places", "warned"), [(8, 6, False), (6, 6, True), (8, 0, True)])
def test_serve__all_threads_for_one_namespace__is_warned_of(
    threads: int, places: int, warned: bool, settings: Any
) -> None:
    """It may be meant, on a server of one namespace."""
    settings.SMARTMODELS_REQUESTS_PER_NAMESPACE = places
    said = StringIO()
    Command(stderr=said)._warn(threads)
    assert (f"one namespace can take all {threads} threads" in said.getvalue()) is warned


def test_serve__port_that_is_taken__is_refused() -> None:
    """With the address, and a way out."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=rf"127\.0\.0\.1:{port} cannot be listened on.*Try --port"):
            call_command("serve", "--port", str(port))


@pytest.mark.parametrize("command", ["serve", "worker", "demo"])
def test_command__database_that_is_not_there__is_a_sentence(command: str, tmp_path: Any) -> None:
    """No traceback, and the name of what to look at."""
    nowhere = {"DATABASE_URL": f"postgresql:///x?host={tmp_path}", "SMARTMODELS_DATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT, env={**os.environ, **nowhere}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "See DATABASE_URL. [database-unavailable]" in done.stderr
