"""PostgreSQL refuses to run as root: which user the server runs as, and programs started as that user."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.postgres.errors import FolderNotOurs, PrivilegeMissing

SERVICE_USERS = ("postgres", "nobody")
# Dynamic linking must keep working for servers in unusual places; everything else (PGDATA, LC_*) stays out.
PASSED_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")


@dataclass(frozen=True)
class Account:
    """A user of the operating system."""

    name: str
    uid: int
    gid: int

    @property
    def is_caller(self) -> bool:
        """Whether this process runs as this user already."""
        return self.uid == os.geteuid()


def account_of(uid: int) -> Account:
    """The user with this id. Raises PrivilegeMissing when it has no name: PostgreSQL needs one."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise PrivilegeMissing(
            f"User id {uid} has no name in /etc/passwd, and PostgreSQL refuses such users: "
            "run as a user that has one, or set DATABASE_URL to a running server."
        ) from None
    return Account(name=entry.pw_name, uid=uid, gid=entry.pw_gid)


def server_account(data: Path, env: Mapping[str, str]) -> Account:
    """Who runs the server: the data's owner, else the caller; for root, sudo's user or a service user.

    Raises FolderNotOurs when the data belongs to another ordinary user than the caller, PrivilegeMissing.
    """
    owner = data.stat().st_uid if data.exists() else None
    caller = os.geteuid()
    if caller != 0:
        if owner not in (None, caller):
            raise FolderNotOurs(
                f"The PostgreSQL data in {data} belongs to user id {owner}: run as that user, "
                "or remove it with './dev clean' as that user or root."
            )
        return account_of(caller)
    if owner:
        return account_of(owner)
    return _sudo_account(env) or _service_account()


def control_account(server: Account, env: Mapping[str, str]) -> Account:
    """Who owns the files around the data: the server's user when that is a person, else the caller."""
    return server if server == _sudo_account(env) else account_of(os.geteuid())


def _sudo_account(env: Mapping[str, str]) -> Account | None:
    uid = env.get("SUDO_UID", "")
    if os.geteuid() != 0 or not uid.isdecimal() or int(uid) == 0:
        return None
    return account_of(int(uid))


def _service_account() -> Account:
    for name in SERVICE_USERS:
        try:
            return account_of(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise PrivilegeMissing(
        "PostgreSQL does not run as root, and neither a user 'postgres' nor 'nobody' exists here: "
        "run as an ordinary user, or set DATABASE_URL to a running server."
    )


def give(path: Path, account: Account, mode: int) -> None:
    """Set the owner and the mode of a file or folder that this process made. Raises PrivilegeMissing."""
    try:
        if path.lstat().st_uid != account.uid:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
        if path.stat().st_mode & 0o7777 != mode:
            path.chmod(mode)
    except OSError as error:
        raise PrivilegeMissing(
            f"{path} could not be given to user {account.name!r} ({error.strerror}): this root may not "
            "change owners; run as an ordinary user, or set DATABASE_URL to a running server."
        ) from error


def follow_owner(path: Path) -> None:
    """Give what root made to the owner of the folder it is in, so that `sudo` locks nobody out."""
    if os.geteuid() == 0:
        above = path.parent.stat()
        if path.lstat().st_uid != above.st_uid:
            os.chown(path, above.st_uid, above.st_gid, follow_symlinks=False)


def run_as(
    account: Account,
    command: Sequence[str | Path],
    *,
    output: int = subprocess.PIPE,
    keep: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as this user, in a session of its own, with a bare environment.

    `output` is where its output goes, `keep` are descriptors it inherits. Raises PrivilegeMissing, OSError.
    """
    other = not account.is_caller
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            check=False,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=_bare_environment(),
            pass_fds=keep,
            start_new_session=True,
            user=account.uid if other else None,
            group=account.gid if other else None,
            extra_groups=[] if other else None,
        )
    except OSError as error:
        if not other or _may_become(account):
            raise
        raise PrivilegeMissing(
            f"PostgreSQL does not run as root, and this root may not become user {account.name!r} "
            f"({error.strerror}; a container without setuid rights?): run as an ordinary user, "
            "allow SETUID and SETGID, or set DATABASE_URL to a running server."
        ) from error


def can_reach(account: Account, *, program: Path, folder: Path) -> bool:
    """Whether this user can run the program and enter the folder. Raises PrivilegeMissing."""
    script = 'test -x "$1" && test -r "$1" && cd "$2"'
    return run_as(account, ["/bin/sh", "-c", script, "sh", program, folder]).returncode == 0


def _may_become(account: Account) -> bool:
    try:
        subprocess.run(
            ["/bin/sh", "-c", ":"], cwd="/", user=account.uid, group=account.gid, extra_groups=[], check=False
        )
    except OSError:
        return False
    return True


def _bare_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C"}
