"""Examples in docstrings: what stands, indented, below a line that ends with two colons."""

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

STARTS = ("class ", "from ", "urlpatterns")


@dataclass(frozen=True)
class Example:
    """An example: whose docstring it is from, and its text."""

    path: Path
    owner: str
    text: str


def blocks_in(docstring: str) -> Iterator[str]:
    """The indented blocks of a docstring, without their indentation."""
    lines = docstring.splitlines()
    for number, line in enumerate(lines):
        if line.rstrip().endswith("::"):
            depth = len(line) - len(line.lstrip())
            block = []
            for below in lines[number + 1 :]:
                if below.strip() and len(below) - len(below.lstrip()) <= depth:
                    break
                block.append(below)
            yield textwrap.dedent("\n".join(block)).strip()


def examples_of(path: Path) -> Iterator[Example]:
    """The examples in the docstrings of a module, its classes and its functions."""
    tree = ast.parse(path.read_text())
    kinds = (ast.ClassDef, ast.FunctionDef, ast.Module)
    for node in (node for node in ast.walk(tree) if isinstance(node, kinds)):
        for text in blocks_in(ast.get_docstring(node) or ""):
            if text.startswith(STARTS):
                yield Example(path, getattr(node, "name", path.parent.name), text)
