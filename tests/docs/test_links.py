"""Links between pages lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """The anchors that a forge makes of the headings."""
    headings = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page__links_to_files__exist(page: Path) -> None:
    """Every relative link names a file, and its anchor a heading there."""
    broken = []
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http:", "https:")):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(link)
    assert not broken


def test_index__every_page__is_linked_from_it() -> None:
    """Nobody has to guess that a page exists."""
    index = (ROOT / "docs" / "index.md").read_text() + (ROOT / "docs" / "decisions" / "README.md").read_text()
    pages = {page.name for page in (ROOT / "docs").rglob("*.md")} - {"index.md", "README.md"}
    assert not {page for page in pages if page not in index}


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda page: page.stem
)
def test_decision__headings__are_complete(page: Path) -> None:
    """Context, decision, consequences, and what was turned down."""
    headings = HEADING.findall(page.read_text())
    assert headings[0].startswith(f"{page.name[:4]}: ")
    assert headings[1:] == ["Context", "Decision", "Consequences", "Rejected"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page__characters__are_ascii(page: Path) -> None:
    """Quotes, dashes and dots are those of the keyboard."""
    assert page.read_text().isascii()
