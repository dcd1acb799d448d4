"""The source files that the guards look at."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("platform", "shared_apps", "tenant_apps")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(*folders: str, suffix: str = ".py") -> list[Path]:
    """The files below these folders of the checkout, caches left out."""
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob(f"*{suffix}")))
    return [path for path in found if "__pycache__" not in path.parts]


def written(*folders: str) -> list[Path]:
    """The modules that people write: all but generated migrations."""
    return [path for path in files(*folders) if "migrations" not in path.parts]


@cache
def tree(path: Path) -> ast.Module:
    """The parsed module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of the module, nested ones included."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def public_functions(path: Path) -> Iterator[Function]:
    """The functions of the module and the methods of its classes whose names are public."""
    classes = [node for node in tree(path).body if isinstance(node, ast.ClassDef)]
    bodies = [tree(path).body, *(each.body for each in classes if not each.name.startswith("_"))]
    return (
        node
        for body in bodies
        for node in body
        if isinstance(node, Function) and not node.name.startswith("_")
    )


def lines_of(function: Function) -> int:
    """How many lines the function takes, its signature and docstring included, its decorators not."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def place(path: Path, node: ast.AST | None = None) -> str:
    """Where something is, as an editor understands it."""
    line = f":{getattr(node, 'lineno', 1)}" if node is not None else ""
    return f"{path.relative_to(ROOT)}{line}"


def assert_none(found: list[str]) -> None:
    """Fail with every place on a line of its own, unless there is none."""
    assert not found, "\n".join(["", *found])
