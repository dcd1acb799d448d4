"""A result on the disk, whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from smartmodels.reports.door import render
from smartmodels.reports.errors import ReportInvalid
from smartmodels.reports.results import ReportResult, check_format

__all__ = ["check_path", "write"]


def check_path(path: Path) -> str:
    """Return the format that the path's suffix names; raise ReportInvalid for a place that is none."""
    form = check_format(path.suffix)
    try:
        usable = path.parent.is_dir() and not path.is_dir()
    except OSError:
        usable = False
    if not usable:
        raise ReportInvalid(f"{path} cannot be written: name a file in a folder that exists.", path=str(path))
    return form


def write(result: ReportResult, path: Path) -> None:
    """Write the result in the format of the path's suffix; what was there before is replaced at once.

    Raises ReportInvalid for another suffix and for a place that cannot be written to.
    """
    content = render(result, check_path(path))
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise ReportInvalid(f"{path} cannot be written: {error.strerror}.", path=str(path)) from error
    finally:
        draft.unlink(missing_ok=True)
