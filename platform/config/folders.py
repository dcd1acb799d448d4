"""The folder decides: what is installed where follows from where it lies."""

from __future__ import annotations

from pathlib import Path

__all__ = ["apps_below"]


def apps_below(folder: Path) -> list[str]:
    """Return the dotted names of the Django apps in ``folder``, in alphabetical order."""
    return sorted(
        f"{folder.name}.{app.name}"
        for app in folder.iterdir()
        if (app / "__init__.py").is_file() and app.name.isidentifier()
    )
