"""The commands of README, tutorial and how-to guides do what the pages say."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import Block, blocks_of, is_said
from tests.docs.session import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]
EXECUTED = [
    page
    for page in PAGES
    if page.name == "README.md" or page.parent.name in ("tutorial", "how-to")
    if any(block.language == "console" for block in blocks_of(page))
]
LANGUAGES = {
    "console": "executed, and its output compared",
    "python": "written to the file that its word `file=` names",
    "javascript": "written to the file that its word `file=` names",
    "sh": "shown; its syntax is checked",
    "bash": "shown; its syntax is checked",
    "text": "shown",
}
SHOWN = [(page, block) for page in PAGES for block in blocks_of(page) if block.language in ("sh", "bash")]


def name_of(page: Path) -> str:
    """A page as it is called in the list of tests."""
    return str(page.relative_to(ROOT))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apt-get install curl")
@pytest.mark.parametrize("page", EXECUTED, ids=name_of)
def test_page__typed_as_it_stands__prints_what_it_says(page: Path, typed: Callable[[Path], Any]) -> None:
    """Every command of the page succeeds, in order, and prints what stands below it."""
    commands, outcomes = typed(page)
    for outcome in outcomes:
        command = outcome.command
        assert outcome.code == 0, (
            f"{command.place}: exit code {outcome.code}\n{command.text}\n{outcome.printed}"
        )
        if command.expected is not None:
            assert is_said(command.expected, outcome.printed), (
                f"{command.place}\n{command.text}\n--- the page says\n{command.expected}\n"
                f"--- printed\n{outcome.printed}"
            )
    assert len(outcomes) == len(commands)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_page__fenced_blocks__have_a_language_that_says_what_happens(page: Path) -> None:
    """A reader, and these tests, know what each block is for."""
    unknown = [f"line {block.line}" for block in blocks_of(page) if block.language not in LANGUAGES]
    assert not unknown


@pytest.mark.parametrize(("page", "block"), SHOWN, ids=lambda each: getattr(each, "name", None))
def test_block__shown_shell_commands__are_valid_syntax(page: Path, block: Block) -> None:
    """What cannot be executed here can at least be parsed."""
    parsed = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
    assert parsed.returncode == 0, f"{page}:{block.line} {parsed.stderr}"


@pytest.mark.parametrize(
    ("expected", "printed", "said"),
    [
        ("a b", "a   b\n", True),
        ("a ... z", "a and so on to z", True),
        ('{"id":"..."}', '{"id":"1"}', True),
        ("a", "a b", False),
        ("a...", "b a", False),
    ],
)
def test_is_said__expected_and_printed__are_compared(expected: str, printed: str, *, said: bool) -> None:
    """Three dots are anything; everything else must be there."""
    assert is_said(expected, printed) is said
