"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

__all__ = ["new_file"]

PARTIAL = ".partial"
"""How the names of files end that are not finished."""


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes its name, in place of another of that name, only when the block succeeds.

    Nobody but its owner may read it. It is on the disk before it has its name.
    """
    draft = path.with_name(f".{path.name}.{token_hex(4)}{PARTIAL}")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
