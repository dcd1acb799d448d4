"""The functions of the public schema that migrations install for the package, and what stands there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.migrations.loader import MigrationLoader

from smartmodels.history.operations import capture_sql

__all__ = ["Function", "expected_functions", "install", "wrong_functions"]

_THERE = """
    SELECT p.proname, oidvectortypes(p.proargtypes), p.proargnames[:p.pronargs],
        pg_get_function_result(p.oid), l.lanname, p.prosrc, p.proconfig, p.prosecdef, p.proisstrict,
        p.provolatile::text
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE n.nspname = 'public' AND p.proname LIKE 'smartmodels\\_%'
"""
_DEFINED = re.compile(
    r"CREATE (?:OR REPLACE )?(?P<rest>FUNCTION public\.(?P<name>smartmodels_\w+)\((?P<arguments>[^)]*)\)\s+"
    r"RETURNS\s+(?P<result>.+?)\s+(?P<attributes>LANGUAGE\b.*?)\bAS (?P<tag>\$\w*\$)(?P<body>.*?)(?P=tag))",
    re.DOTALL,
)
_SETTING = re.compile(r"\bSET (\w+) = (.+?)(?=\s+SET |\s*$)", re.MULTILINE)
_VOLATILITY = {"IMMUTABLE": "i", "STABLE": "s"}


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it can be compared: PostgreSQL tells functions apart by name and types of arguments.

    What ``shape`` says (names of arguments, result) cannot be replaced; what ``content`` says can be.
    """

    name: str
    types: tuple[str, ...]
    shape: tuple[tuple[str, ...], str]
    content: tuple[Any, ...]

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """Return what tells the function from all others."""
        return self.name, self.types

    @property
    def signature(self) -> str:
        """Return the function with the types of its arguments."""
        return f"{self.name}({', '.join(self.types)})"


def _plain(settings: Iterable[str]) -> frozenset[str]:
    return frozenset(re.sub(r"[\"']", "", each).lower() for each in settings)


def _type(kind: str) -> str:
    """Return a type as PostgreSQL writes it where public is searched: a table of that schema is one, too."""
    return " ".join(kind.split()).lower().removeprefix("public.").strip('"')


def _read(found: re.Match[str]) -> Function:
    """Return the function that a statement of a migration makes."""
    arguments = [each.split(None, 1) for each in found["arguments"].split(",") if each.strip()]
    attributes = found["attributes"]
    language = re.search(r"LANGUAGE\s+(\w+)", attributes)
    words = set(re.sub(r"SET [^\n]*", "", attributes).upper().split())
    volatility = next((letter for word, letter in _VOLATILITY.items() if word in words), "v")
    settings = _plain(f"{name}={value}" for name, value in _SETTING.findall(attributes))
    content = (
        language[1].lower() if language else "", found["body"], settings, "DEFINER" in words,
        "STRICT" in words, volatility,
    )  # fmt: skip
    return Function(
        found["name"],
        tuple(_type(kind) for _, kind in arguments),
        (tuple(name for name, _ in arguments), re.sub(r"\s", "", found["result"]).lower()),
        content,
    )


@cache
def expected_functions() -> dict[tuple[str, tuple[str, ...]], tuple[Function, str]]:
    """Return what migrations install, by name and types of arguments, each with its statement.

    Other rooms have functions too; only their migrations are known to all.
    """
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    # RunSQL, and operations of other rooms that have the same attribute.
    statements = (
        getattr(operation, "sql", None)
        for _, migration in sorted(loader.disk_migrations.items())
        for operation in migration.operations
    )
    scripts = [each for each in statements if isinstance(each, str)]
    found = {}
    for script in [*scripts, capture_sql()]:
        for match in _DEFINED.finditer(script):
            function = _read(match)
            found[function.key] = (function, f"CREATE OR REPLACE {match['rest']}")
    return found


def _there(cursor: Any) -> dict[tuple[str, tuple[str, ...]], Function]:
    cursor.execute(_THERE)
    made = (
        Function(
            name, tuple(map(_type, types.split(", "))) if types else (),
            (tuple(names or ()), re.sub(r"\s", "", result or "").lower()),
            (language, source, _plain(settings or ()), definer, strict, volatility),
        )
        for name, types, names, result, language, source, settings, definer, strict, volatility
        in cursor.fetchall()
    )  # fmt: skip
    return {function.key: function for function in made}


def wrong_functions(cursor: Any) -> Iterator[tuple[str, str]]:
    """Yield name and what is wrong with it (missing, different, unexpected), with one query.

    One that should not be there is named with the types of its arguments: PostgreSQL may prefer it.
    """
    there, expected = _there(cursor), expected_functions()
    for key, (function, _) in expected.items():
        if key not in there:
            yield function.name, "missing"
        elif there[key] != function:
            yield function.name, "different"
    for key in there.keys() - expected.keys():
        yield there[key].signature, "unexpected"


def install(cursor: Any, names: set[str]) -> None:
    """Make the functions of these names those of the migrations."""
    there = _there(cursor)
    for key, (function, statement) in expected_functions().items():
        if function.name not in names:
            continue
        if key in there and there[key].shape != function.shape:
            cursor.execute(f"DROP FUNCTION public.{function.signature}")
        cursor.execute(statement)
