"""The budgets of size and the habits that a linter does not know."""

import ast
import re
from statistics import median, quantiles

import pytest

from tests.architecture.sources import (
    PRODUCT,
    ROOT,
    assert_none,
    files,
    functions,
    lines_of,
    place,
    public_functions,
    tree,
    written,
)

MODULE_LINES, MODULE_MEDIAN = 400, 80
FUNCTION_LINES, FUNCTION_P90 = 50, 20
UNDOCUMENTED_LINES = 12
SAID_BY_HELP = {"add_arguments", "handle"}  # a command's help is what people read
FORBIDDEN_NAMES = {"utils", "helpers", "common", "core", "misc"}
TEXTS = (".py", ".html", ".css", ".js", ".sql", ".toml", ".yml", ".yaml", ".sh", ".cfg", ".ini")
LATER = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b")
FOREIGN_BINDERS = {"schema_context", "tenant_context", "set_tenant", "set_schema", "set_schema_to_public"}
EVERYTHING = (*PRODUCT, "tests", "deploy", ".ci")


def _length(path: object) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())  # type: ignore[attr-defined]


def test_modules__of_the_product__are_short() -> None:
    """400 lines at most."""
    assert_none(
        [f"{place(path)}: {_length(path)}" for path in written(*PRODUCT) if _length(path) > MODULE_LINES]
    )


def test_modules__of_the_product__are_short_as_a_rule() -> None:
    """Half of them have about one screen or two."""
    assert median(_length(path) for path in written(*PRODUCT)) <= MODULE_MEDIAN


def test_functions__of_the_product__are_short() -> None:
    """50 lines at most."""
    long = [
        f"{place(path, function)} {function.name}: {lines_of(function)}"
        for path in written(*PRODUCT)
        for function in functions(path)
        if lines_of(function) > FUNCTION_LINES
    ]
    assert_none(long)


def test_functions__of_the_product__are_short_as_a_rule() -> None:
    """Nine of ten fit in 20 lines."""
    lengths = [lines_of(function) for path in written(*PRODUCT) for function in functions(path)]
    assert quantiles(lengths, n=10)[-1] <= FUNCTION_P90


def test_functions__public_and_not_tiny__have_a_docstring() -> None:
    """What they mean, in which units, and what they raise."""
    silent = [
        f"{place(path, function)} {function.name}"
        for path in written(*PRODUCT)
        for function in public_functions(path)
        if function.name not in SAID_BY_HELP
        and lines_of(function) > UNDOCUMENTED_LINES
        and ast.get_docstring(function) is None
    ]
    assert_none(silent)


def test_modules__with_anything_in_them__have_a_docstring() -> None:
    """One sentence that says what the room is for."""
    silent = [
        place(path)
        for path in written(*PRODUCT, "tests")
        if tree(path).body and not ast.get_docstring(tree(path))
    ]
    assert_none(silent)


def test_tests__each__have_one_sentence() -> None:
    """What is to hold, in words."""
    silent = [
        f"{place(path, function)} {function.name}"
        for path in written("tests")
        for function in functions(path)
        if function.name.startswith("test_") and ast.get_docstring(function) is None
    ]
    assert_none(silent)


def test_tests__each__say_subject_condition_and_outcome() -> None:
    """test_<subject>__<condition>__<outcome>; the condition may go without saying."""
    odd = [
        f"{place(path, function)} {function.name}"
        for path in written("tests")
        for function in functions(path)
        if function.name.startswith("test_") and function.name.count("__") not in (1, 2)
    ]
    assert_none(odd)


def _imports_in(function: ast.AST) -> list[ast.AST]:
    return [node for node in ast.walk(function) if isinstance(node, (ast.Import, ast.ImportFrom))]


def test_functions__everywhere__import_nothing() -> None:
    """Imports stand at the top, where import-linter and people see them; AppConfig.ready is the exception."""
    inside = [
        place(path, found)
        for path in files(*PRODUCT, "tests")
        for function in functions(path)
        if function.name != "ready"
        for found in _imports_in(function)
    ]
    assert_none(inside)


def test_modules__everywhere__bear_telling_names() -> None:
    """A drawer for everything is not a room."""
    named = [path for path in files(*PRODUCT, "tests") if {path.stem, path.parent.name} & FORBIDDEN_NAMES]
    assert_none([place(path) for path in named])


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {f"{node.module}.{alias.name}" for alias in node.names}
    return {node.arg} if isinstance(node, ast.arg) else set()


def test_tests__everywhere__use_real_parts() -> None:
    """No mock.patch, by whatever name it comes."""
    mocks = re.compile(r"(^|\.)(mock|mocker)(\.|$)")
    found = [
        place(path, node)
        for path in files(*PRODUCT, "tests")
        for node in ast.walk(tree(path))
        if any(mocks.search(name) for name in _names(node))
    ]
    assert_none(found)


def test_texts__everywhere__put_nothing_off() -> None:
    """What is to be done later is in an issue."""
    found = [
        f"{place(path)}: {line.strip()}"
        for suffix in TEXTS
        for path in files(*EVERYTHING, suffix=suffix)
        for line in path.read_text(encoding="utf-8").splitlines()
        if LATER.search(line)
    ]
    assert_none(found)


@pytest.mark.parametrize("script", ["dev", "manage.py"])
def test_script__at_the_top__puts_nothing_off(script: str) -> None:
    """Nor do the scripts at the top."""
    assert not LATER.search((ROOT / script).read_text(encoding="utf-8"))


def test_sources__everywhere__are_ascii() -> None:
    """What else is needed is written as an escape, so that nothing looks like what it is not."""
    assert_none([place(path) for path in files(*PRODUCT, "tests") if not path.read_bytes().isascii()])


def _binds_by_foreign_means(node: ast.AST) -> bool:
    if isinstance(node, (ast.Name, ast.Attribute)):
        return (node.id if isinstance(node, ast.Name) else node.attr) in FOREIGN_BINDERS
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return any(alias.name in FOREIGN_BINDERS for alias in node.names)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        managers = [item.context_expr for item in node.items]
        bare = [each for each in managers if isinstance(each, (ast.Name, ast.Attribute))]
        return any(ast.unparse(each).rpartition(".")[2] in ("tenant", "namespace") for each in bare)
    return False


def test_product__everywhere__binds_by_namespace_scope_alone() -> None:
    """django-tenants' own ways share a list between threads or leak on recursion (DESIGN T1)."""
    found = [
        place(path, node)
        for path in files(*PRODUCT)
        for node in ast.walk(tree(path))
        if _binds_by_foreign_means(node)
    ]
    assert_none(found)
