"""A served platform on a private database, and people with browsers."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import FLAGS, require_chromium
from tests.support.databases import ROOT
from tests.support.waiting import wait_until

STOP_SECONDS = 20


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@pytest.fixture
def chromium() -> str:
    """The browser's program; the test is skipped where there is none."""
    return require_chromium()


@pytest.fixture
def port(chromium: str, committing: Any, tmp_path: Path) -> Iterator[int]:
    """The port on which `manage.py serve` serves the test's own database."""
    port, log = _unused_port(), tmp_path / "server.log"
    command = [sys.executable, "manage.py", "serve", "--port", str(port), "--workers", "1", "--quiet"]
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env=dict(os.environ), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: server.poll() is not None or _answers(port), "Serving", seconds=60)
        assert server.poll() is None, log.read_text()
        yield port
    finally:
        server.terminate()
        server.wait(STOP_SECONDS)


@pytest.fixture
def browser(chromium: str, port: int) -> Iterator[Browser]:
    """A running browser. While it runs this thread belongs to its event loop: use no database."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[[], Page]]:
    """``person()``: a new visitor with cookies of their own. No page may have failed in its scripts."""
    failures: list[str] = []

    def arrive() -> Page:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: failures.append(str(error)))
        return page

    yield arrive
    assert failures == []
