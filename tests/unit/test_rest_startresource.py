"""Names that `startresource` makes and refuses."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from smartmodels.management.commands.startresource import singular_of
from tests.support.databases import ROOT


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("notes", "note"),
        ("stories", "story"),
        ("boxes", "box"),
        ("classes", "class"),
        ("churches", "church"),
        ("field_trips", "field_trip"),
        ("glass", "glass"),
        ("sheep", "sheep"),
        ("ties", "tie"),
    ],
)
def test_singular__of_a_plural__is_regular(plural: str, singular: str) -> None:
    """The model is named after one of what the app is named after."""
    assert singular_of(plural) == singular


@pytest.mark.parametrize(
    "name",
    [
        *("", "Notes", "1notes", "my-notes", "my__notes", "notes_", "class", "../notes", "notes.py", "x y"),
        *("n" * 41, "admin", "research", "auth"),
    ],
)
def test_command__name_unusable__writes_nothing(name: str) -> None:
    """A name that cannot be, or is taken, is refused before anything is written."""
    before = sorted(path.name for path in (ROOT / "tenant_apps").iterdir())
    with pytest.raises(CommandError):
        call_command("startresource", name)
    assert sorted(path.name for path in (ROOT / "tenant_apps").iterdir()) == before


@pytest.mark.parametrize("model", ["note", "My Note", "1Note", "Note;"])
def test_command__model_unusable__is_refused(model: Any) -> None:
    """A model is named as classes are."""
    with pytest.raises(CommandError, match="cannot name a model"):
        call_command("startresource", "notes", model=model)
