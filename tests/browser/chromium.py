"""Where the browser is.

Playwright drives a Chromium that is installed already; none is downloaded. On Debian:
``apt-get install --no-install-recommends chromium``. Another one: ``CHROMIUM=/path/to/it``.
"""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find_chromium() -> str | None:
    """The program to start: that of the environment variable CHROMIUM, else the first one on the path."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def require_chromium() -> str:
    """The program to start; skips the test, and says what to install, where there is none."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here: install the package chromium, or set CHROMIUM to the program's path")
    return program
