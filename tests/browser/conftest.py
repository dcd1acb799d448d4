"""A served platform on a private database, and people with browsers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import FLAGS, require_chromium
from tests.support.serving import serving


@pytest.fixture
def chromium() -> str:
    """The browser's program; the test is skipped where there is none."""
    return require_chromium()


@pytest.fixture
def port(chromium: str, committing: Any, tmp_path: Path) -> Iterator[int]:
    """The port on which `manage.py serve` serves the test's own database."""
    with serving(tmp_path / "server.log") as port:
        yield port


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
