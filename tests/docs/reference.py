"""The reference pages, made from docstrings: `python -m tests.docs.reference` writes them anew."""

import argparse
import ast
import inspect
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandParser

from config.connections import InvalidConnectionSettings
from config.database import InvalidDatabaseURL
from config.postgres import PostgresError
from smartmodels import conf
from smartmodels.exceptions import SmartModelsError
from smartmodels.management.replaced import ReplacedCommand

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "reference"
HOUSES = ("smartmodels", "config", "shared_apps", "tenant_apps")
OF_REQUESTS = """\
A problem document has one code; the single values it objects to are in its list `errors`, each with a
pointer and a code. Besides these, the codes of Django REST framework (`required`, `blank`, ...) are used.
"""
DECLARES_CODE = re.compile(r"^    code\b.* = ", re.MULTILINE)
MADE = "<!-- Made from docstrings: python -m tests.docs.reference -->\n"


def sentence(text: str | None) -> str:
    """A docstring as one line of a table."""
    return " ".join((text or "").split()).replace("|", "\\|").replace("``", "`")


def first_paragraph(text: str | None) -> str:
    """The beginning of a docstring, up to the first blank line."""
    return sentence((text or "").strip().partition("\n\n")[0])


# Settings


def documented_fields(owner: type) -> dict[str, str]:
    """The strings below the fields of a class, by field."""
    [body] = ast.parse(inspect.getsource(owner)).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for statement, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(below, ast.Expr):
            assert isinstance(statement.target, ast.Name)
            found[statement.target.id] = ast.literal_eval(below.value)
    return found


def default_of(field: Field[Any]) -> str:
    """The default of a setting as somebody would write it down."""
    value = field.default if field.default_factory is MISSING else field.default_factory()
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def settings_page() -> str:
    """Every setting of the library with its default and its meaning."""
    meanings = documented_fields(conf.SmartModelsSettings)
    lines = [
        MADE,
        "# Settings of the library\n",
        (
            "Set them in Django's settings under the names given here. What an operator sets when\n"
            "the platform runs are [environment variables](environment.md).\n"
        ),
        "| Setting | Default | Meaning |",
        "|---|---|---|",
    ]
    for field in fields(conf.SmartModelsSettings):
        default = default_of(field)
        meaning = sentence(meanings.get(field.name))
        lines.append(f"| `{conf.PREFIX}{field.name}` | `{default}` | {meaning} |")
    return "\n".join(lines) + "\n"


# Environment


def environment_variables() -> set[str]:
    """Every variable that is read from the environment below platform/config, and by the ./dev script."""
    found: set[str] = set()
    for path in [*(ROOT / "platform" / "config").rglob("*.py"), ROOT / "dev"]:
        found |= set(_variables_in(ast.parse(path.read_text())))
    return found


def _variables_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case (
                ast.Call(
                    func=ast.Attribute(value=owner, attr="get" | "pop"),
                    args=[ast.Constant(value=str(name)), *_],
                )
                | ast.Subscript(value=owner, slice=ast.Constant(value=str(name)))
            ) if ast.unparse(owner) in ("os.environ", "env", "environ"):
                yield name


# Errors


def import_all() -> None:
    """Import every module that may declare an error, so that every error class exists."""
    for folder in (ROOT / "platform", ROOT):
        for house in HOUSES:
            for path in (folder / house).rglob("*.py"):
                if DECLARES_CODE.search(path.read_text()):
                    import_module(".".join(path.relative_to(folder).with_suffix("").parts))


def subclasses(root: type[Any]) -> list[type[Any]]:
    """Every class below ``root``, by code."""
    found: dict[type[Any], None] = {}
    queue = [root]
    while queue:
        for each in queue.pop().__subclasses__():
            # mypy and the tests make none; a test's own error is no part of the platform.
            if each not in found and each.__module__.partition(".")[0] in HOUSES:
                found[each] = None
                queue.append(each)
    return sorted(found, key=lambda each: (each.code, each.__name__))


def sources(*folders: str) -> Iterator[ast.AST]:
    """Every module below these folders, as a tree."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name != "admin.py":  # Its codes are for forms, and shown to nobody.
                yield ast.parse(path.read_text())


def text_in(node: ast.expr | None) -> str:
    """A message as far as it is known before it is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return sentence(text)
        case ast.JoinedStr(values=parts):
            return sentence(
                "".join(part.value if isinstance(part, ast.Constant) else "..." for part in parts)
            )
    return ""


def _texts_of(function: ast.FunctionDef) -> dict[str, str]:
    """The texts that the names of a function stand for; of several the longest."""
    found: dict[str, str] = {}
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = max(found.get(name, ""), text_in(value), key=len)
    return found


def codes_of_requests() -> Iterator[tuple[str, str]]:
    """Codes that the API answers with, beside those of the error classes, and what it says with them."""
    for tree in sources("platform/smartmodels/rest", "shared_apps"):
        for around in ast.walk(tree):
            if isinstance(around, ast.FunctionDef | ast.ClassDef | ast.Module):
                yield from _codes_in(around)


def _codes_in(around: ast.FunctionDef | ast.ClassDef | ast.Module) -> Iterator[tuple[str, str]]:
    """Codes in a function, or anywhere in a class or module; there what names stand for is not known."""
    said = _texts_of(around) if isinstance(around, ast.FunctionDef) else {}

    def text_of(node: ast.expr | None) -> str:
        return said.get(node.id, "") if isinstance(node, ast.Name) else text_in(node)

    for node in ast.walk(around):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="refuse"), args=[ast.Constant(value=str(code)), detail, *_]
            ):
                yield code, text_of(detail)
            case ast.Call(func=ast.Name(id="Problem"), args=[_, ast.Constant(value=str(code)), detail, *_]):
                yield code, text_of(detail)
            case ast.Call(func=ast.Name(id="Fault"), args=[ast.Constant(value=str(code)), detail, *_]):
                yield code, text_of(detail)
            case ast.Call(
                args=args, keywords=[*_, ast.keyword(arg="code", value=ast.Constant(value=str(code)))]
            ):
                yield code, max(map(text_of, args), key=len, default="")
            case ast.Assign(targets=[ast.Name(id="default_code")], value=ast.Constant(value=str(code))):
                yield code, ""


def codes_of_commands() -> Iterator[tuple[str, str]]:
    """Codes that commands print at the end of a message, beside those of the error classes."""
    for node in (node for tree in sources("platform", "shared_apps") for node in ast.walk(tree)):
        if isinstance(node, ast.JoinedStr | ast.Constant) and (
            found := re.search(r"^(.*) \[([a-z]+(?:-[a-z]+)+)\]$", text_in(node))
        ):
            yield found[2], found[1]


def table_of(codes: Iterator[tuple[str, str]]) -> list[str]:
    """One line per code, with the longest of its messages."""
    known: dict[str, str] = {}
    for code, text in codes:
        known[code] = max(known.get(code, ""), text, key=len)
    return [
        "| Code | What it says |",
        "|---|---|",
        *(f"| `{code}` | {known[code] or 'The message says what.'} |" for code in sorted(known)),
    ]


def errors_page() -> str:
    """Every error with its code, its HTTP status and its way out."""
    import_all()
    lines = [
        MADE,
        "# Errors\n",
        (
            "Every error says what happened, to what, and what to do next, and has a code that does not\n"
            "change. The API answers with a problem document (RFC 9457) that carries the code;\n"
            "commands print it in brackets and end with exit code 1. With `--json` the last line of\n"
            'stderr is then JSON, `{"error": {"code", "detail", "details"}}`; code `refused` stands for\n'
            "what has none.\n"
        ),
        "## Of the platform\n",
        "| Code | HTTP | Error | What it means |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{each.code}` | {each.status} | `{each.__name__}` | {first_paragraph(each.__doc__)} |"
        for each in subclasses(SmartModelsError)
    ]
    lines += [
        "\n## Of the local PostgreSQL and its address\n",
        "| Code | Error | What it means |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{each.code}` | `{each.__name__}` | {first_paragraph(each.__doc__)} |"
        for each in (InvalidConnectionSettings, InvalidDatabaseURL, *subclasses(PostgresError))
    ]
    lines += ["\n## Of requests\n", OF_REQUESTS, *table_of(codes_of_requests())]
    lines += ["\n## Of commands\n", *table_of(codes_of_commands())]
    return "\n".join(lines) + "\n"


# Commands


def own_commands() -> list[str]:
    """The names of the commands that are the platform's own."""
    return sorted(
        name
        for name, app in get_commands().items()
        if (isinstance(app, BaseCommand) or str(app).partition(".")[0] in HOUSES)
        and not isinstance(command_of(name), ReplacedCommand)
    )


def command_of(name: str) -> BaseCommand:
    """The command of this name."""
    app = get_commands()[name]
    return app if isinstance(app, BaseCommand) else load_command_class(app, name)


def own_actions(name: str, command: BaseCommand) -> Iterator[tuple[str, argparse.Action]]:
    """The command's own options and arguments, each with the action it belongs to."""
    theirs = next(base for base in type(command).__mro__ if base.__module__.startswith("django."))
    ignored = {action.dest for action in theirs().create_parser("manage.py", name)._actions}
    yield from _actions(command.create_parser("manage.py", name), "", ignored)


def _actions(parser: CommandParser, path: str, ignored: set[str]) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from _actions(below, f"{path} {name}".strip(), ignored)
        elif action.dest not in ignored and action.help != argparse.SUPPRESS:
            yield path, action


def spelled(action: argparse.Action) -> str:
    """An option or argument as it is typed."""
    if not action.option_strings:
        value = action.metavar or action.dest.upper()
        return str(value)
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    return ", ".join(action.option_strings) + value


def meaning(action: argparse.Action) -> str:
    """The help of an option, with its default filled in."""
    return sentence((action.help or "") % {**vars(action), "prog": "manage.py"} if action.help else "")


def commands_page() -> str:
    """Every command with what it does and what it takes."""
    lines = [
        MADE,
        "# Commands\n",
        (
            "`./dev` is what a developer types; `manage.py` is what it stands on and what runs in\n"
            "production (`.venv/bin/python manage.py COMMAND`). Every command of `manage.py` has `--help`.\n"
        ),
        "## ./dev\n",
        "| Command | What it does |",
        "|---|---|",
        *(f"| `./dev {name}` | {sentence(about)} |" for name, about in dev_commands().items()),
        "\n## manage.py\n",
        (
            "Django's own commands work as its documentation says. Those that django-tenants brings go\n"
            "around the platform's services: `create_tenant`, `delete_tenant` and the like are refused and\n"
            "name what to use, `migrate_schemas` is done by `migrate`; instead of `tenant_command` use\n"
            "`smartmodels in`.\n"
        ),
    ]
    for name in own_commands():
        lines += command_section(name)
    return "\n".join(lines)


def command_section(name: str) -> list[str]:
    """One command: what it is for, then a table of what it takes."""
    command = command_of(name)
    lines = [f"### {name}\n", f"{sentence(command.help)}\n", f"{sentence(inspect.getdoc(type(command)))}\n"]
    rows = [
        (f"{path} {spelled(action)}".strip(), meaning(action)) for path, action in own_actions(name, command)
    ]
    if rows:
        lines += [
            "| Option | Meaning |",
            "|---|---|",
            *(f"| `{option}` | {about} |" for option, about in rows),
            "",
        ]
    return lines


def dev_commands() -> dict[str, str]:
    """The commands of the ./dev script and their first lines."""
    loader = SourceFileLoader("dev_script", str(ROOT / "dev"))
    spec = spec_from_loader(loader.name, loader)
    assert spec
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        module = module_from_spec(spec)
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return {name: about for name, (about, _) in module.COMMANDS.items()}


MADE_PAGES = {"settings.md": settings_page, "errors.md": errors_page, "commands.md": commands_page}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import_module("django").setup()
    for file, page in MADE_PAGES.items():
        (PAGES / file).write_text(page())
        sys.stdout.write(f"docs/reference/{file}\n")
