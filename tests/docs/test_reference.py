"""Nothing that can be set, typed or raised is missing from the reference."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from smartmodels.conf import SmartModelsSettings
from smartmodels.exceptions import SmartModelsError
from tests.docs.reference import (
    MADE_PAGES,
    PAGES,
    documented_fields,
    environment_variables,
    import_all,
    own_commands,
    subclasses,
)

AGAIN = "is out of date: python -m tests.docs.reference"


@pytest.mark.parametrize("page", MADE_PAGES)
def test_reference_page__made_again__is_the_same(page: str) -> None:
    """The page says what the docstrings say."""
    assert (PAGES / page).read_text() == MADE_PAGES[page](), f"docs/reference/{page} {AGAIN}"


def test_settings__every_field__says_what_it_means() -> None:
    """A setting without a docstring cannot be documented."""
    assert set(documented_fields(SmartModelsSettings)) == {
        field.name for field in fields(SmartModelsSettings)
    }


def test_errors__every_class__says_what_it_means_and_has_a_code_of_its_own() -> None:
    """A code names one error."""
    import_all()
    errors = subclasses(SmartModelsError)
    assert [
        error.__name__ for error in errors if not error.__doc__ or error.code == SmartModelsError.code
    ] == []
    codes = [error.code for error in errors]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize(
    "command", ["account", "demo", "migrate", "namespace", "report", "serve", "share", "worker"]
)
def test_commands__of_the_platform__are_found(command: str) -> None:
    """The list that the page is made from is not empty by mistake."""
    assert command in own_commands()


def test_environment__every_variable_that_is_read__is_on_the_page() -> None:
    """An operator finds every switch there is."""
    page = (PAGES / "environment.md").read_text()
    missing = {name for name in environment_variables() if f"`{name}`" not in page}
    assert not missing


def test_environment__every_variable_on_the_page__is_read() -> None:
    """The page promises nothing."""
    page = (PAGES / "environment.md").read_text()
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))
    assert named
    assert named <= environment_variables()


def test_example_of_env_file__every_variable__is_read_by_compose() -> None:
    """The example for docker-compose.yml names exactly what can be filled in."""
    root = Path(__file__).resolve().parents[2]
    example = set(re.findall(r"^([A-Z_]+)=", (root / "deploy" / "env.example").read_text(), re.MULTILINE))
    compose = set(re.findall(r"\$\{([A-Z_]+)", (root / "docker-compose.yml").read_text()))
    assert example == compose
