"""Locks of the kernel (flock): they vanish with their holder, so that kill -9 never leaves a wrong count."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.postgres.errors import ClusterBusy, FolderNotOurs
from config.postgres.privileges import follow_owner

PAUSE_SECONDS = 0.01


def open_lock(path: Path) -> int:
    """A descriptor on the lock file, made if missing. Raises FolderNotOurs when it cannot be opened."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        follow_owner(path)
    except OSError as error:
        raise FolderNotOurs(
            f"{path} cannot be opened ({error.strerror}): run as the user who made it, "
            "or remove the cluster with './dev clean' as root."
        ) from error
    return descriptor


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Whether the lock was taken at once."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(descriptor: int, seconds: float) -> bool:
    """Whether the exclusive lock could be taken within so many seconds."""
    deadline = time.monotonic() + seconds
    while not try_lock(descriptor):
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def is_free(path: Path) -> bool:
    """Whether nobody holds a lock on this file at this moment."""
    descriptor = open_lock(path)
    try:
        return try_lock(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(path: Path, seconds: float) -> Iterator[int]:
    """Hold the lock for a block. Raises ClusterBusy when others hold it longer than so many seconds."""
    descriptor = open_lock(path)
    try:
        if not wait_for_lock(descriptor, seconds):
            raise ClusterBusy(
                f"Another process has been starting or stopping PostgreSQL for more than {seconds:.0f} s "
                f"({path} is locked): look for it with 'fuser {path}', end it, and try again."
            )
        yield descriptor
    finally:
        os.close(descriptor)
