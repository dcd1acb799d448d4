"""The platform's own PostgreSQL with real processes: started, shared, killed, moved, refused."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from config.postgres import (
    Binaries,
    Cluster,
    ClusterBusy,
    DatabaseRefused,
    FolderNotOurs,
    PostgresUnavailable,
    ServerFailed,
    VersionMismatch,
    find_binaries,
    settle,
    stop_server,
)
from config.postgres.locks import is_free
from config.postgres.server import postmaster_pid
from config.postgres.site import MEMORY, SOCKET_PATH_BYTES, has_memory, pointer, refuge, remove_site

SOURCE_ROOT = Path(__file__).resolve().parents[2] / "platform"
PATIENCE_SECONDS = 30
USER = """
import os, sys
from pathlib import Path
from config.postgres import Cluster, PostgresError, find_binaries
cluster = Cluster(Path(sys.argv[1]), binaries=find_binaries(os.environ), durable=False)
try:
    cluster.start()
except PostgresError as error:
    sys.exit(error.code)
print(cluster.status().pid, flush=True)
sys.stdin.readline()
cluster.close()
"""
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
UserProcess = subprocess.Popen[str]


@pytest.fixture(scope="module")
def binaries() -> Binaries:
    """The server programs of this machine."""
    return find_binaries(os.environ)


@pytest.fixture
def place() -> Iterator[Path]:
    """A short folder that every user may enter; clusters in it are removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    for lock in folder.rglob("*.lock"):
        stop_server(lock.with_suffix(""), env=os.environ, force=True)
        remove_site(lock.with_suffix(""))
    shutil.rmtree(folder)


@pytest.fixture
def cluster(place: Path, binaries: Binaries) -> Iterator[Cluster]:
    """A running cluster to be mistreated."""
    with Cluster(place / "pg", binaries=binaries, durable=False) as started:
        yield started


@pytest.fixture(scope="module")
def steady(binaries: Binaries) -> Iterator[Cluster]:
    """A running cluster for tests that leave it running."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    with Cluster(folder / "pg", binaries=binaries, durable=False) as started:
        yield started
    remove_site(folder / "pg")
    shutil.rmtree(folder)


@pytest.fixture
def another_user() -> Iterator[Callable[..., UserProcess]]:
    """Starts processes that use the cluster in a folder until a line arrives; ends those still there."""
    processes: list[UserProcess] = []

    def begin(folder: Path, *wrapper: str) -> UserProcess:
        process = subprocess.Popen(
            [*wrapper, sys.executable, "-c", USER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def as_nobody() -> tuple[str, ...]:
    """What runs a program as the user nobody; skips where that user cannot read this checkout."""
    wrapper = ("setpriv", "--reuid=nobody", "--clear-groups")
    script = "import config.postgres"
    command = [*wrapper, sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE_ROOT)}
    if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
        pytest.skip("the user nobody cannot read this checkout")
    return wrapper


def leave(process: UserProcess) -> None:
    """Let a process leave its cluster and end."""
    process.communicate("\n", timeout=PATIENCE_SECONDS)


def running(cluster: Cluster) -> bool:
    """Whether the cluster's server runs."""
    return cluster.status().running


def control_data(cluster: Cluster, binaries: Binaries) -> str:
    """What pg_controldata says about the data directory."""
    command = [binaries.program("pg_controldata"), cluster.site.data]
    return subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C"}).stdout


def kill_postmaster(cluster: Cluster) -> None:
    """Kill -9 the head of the cluster's server."""
    pid = cluster.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_cluster__cold_start__serves_the_ordinary_role(steady: Cluster) -> None:
    """The role of the URL may make databases and is no superuser."""
    steady.ensure_database("app")

    with psycopg.connect(steady.url("app")) as connection:
        facts = connection.execute(
            "SELECT rolname, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert facts == ("smartmodels", False, True)


def test_cluster__cold_start__is_utf8_with_checksums(steady: Cluster) -> None:
    """A cluster is made with UTF8 and data checksums, and listens on no network address."""
    steady.ensure_database("app")

    with psycopg.connect(steady.url("app")) as connection:
        facts = connection.execute(
            "SELECT current_setting('server_encoding'), current_setting('data_checksums'),"
            " current_setting('listen_addresses')"
        ).fetchone()

    assert facts == ("UTF8", "on", "")


def test_cluster__restarted__keeps_its_data(cluster: Cluster) -> None:
    """What was written before the last user left is there for the next one."""
    cluster.ensure_database("app")
    cluster.close()

    cluster.start()

    assert cluster.ensure_database("app") is False


def test_cluster__last_user_leaves__shuts_down_cleanly(cluster: Cluster, binaries: Binaries) -> None:
    """Closing the only user leaves a data directory that needs no recovery."""
    cluster.close()

    assert "shut down\n" in control_data(cluster, binaries)


def test_cluster__kept__runs_until_stopped(place: Path, binaries: Binaries) -> None:
    """A kept server outlives its last user, whoever that is."""
    Cluster(place / "pg", binaries=binaries, durable=False, keep=True).start()
    passer_by = Cluster(place / "pg", binaries=binaries)
    passer_by.start()

    passer_by.close()

    assert running(passer_by)


def test_cluster__stopped_while_used__is_refused(steady: Cluster) -> None:
    """Nobody stops a server that another still uses, unless by force."""
    with pytest.raises(ClusterBusy, match="Other processes use PostgreSQL"):
        stop_server(steady.folder, env=os.environ)


def test_cluster__several_start_it_at_once__share_one_server(
    place: Path, another_user: Callable[..., UserProcess]
) -> None:
    """Four processes that find no cluster make one, and serve themselves from one server."""
    users = [another_user(place / "pg") for _ in range(4)]

    pids = {user.stdout.readline() for user in users if user.stdout}

    assert len(pids) == 1
    assert pids != {""}


def test_cluster__one_of_two_leaves__goes_on(
    steady: Cluster, another_user: Callable[..., UserProcess]
) -> None:
    """The server stays while anybody uses it."""
    other = another_user(steady.folder)
    assert other.stdout is not None
    other.stdout.readline()

    leave(other)

    assert running(steady)


def test_cluster__all_leave__stops(
    place: Path, binaries: Binaries, another_user: Callable[..., UserProcess]
) -> None:
    """The last of several processes stops the server, whoever started it."""
    users = [another_user(place / "pg") for _ in range(3)]
    for user in users:
        assert user.stdout is not None
        user.stdout.readline()

    for user in users:
        leave(user)

    assert not running(Cluster(place / "pg", binaries=binaries))


def test_cluster__user_killed__does_not_count_any_more(
    cluster: Cluster, another_user: Callable[..., UserProcess]
) -> None:
    """A process that was killed does not keep the server running."""
    other = another_user(cluster.folder)
    assert other.stdout is not None
    other.stdout.readline()
    other.kill()
    other.wait()

    cluster.close()

    assert not running(cluster)


def test_cluster__forked_child_closes__stays_with_the_parent(steady: Cluster) -> None:
    """A forked copy that closes the cluster takes nothing away from its parent."""
    child = os.fork()
    if child == 0:
        steady.close()
        os._exit(0)
    os.waitpid(child, 0)

    assert running(steady)
    assert not is_free(steady.site.users)


def test_cluster__server_killed__recovers_at_the_next_start(cluster: Cluster, binaries: Binaries) -> None:
    """After kill -9 of the server, a start without any pause finds what was committed."""
    cluster.ensure_database("app")
    kill_postmaster(cluster)

    with Cluster(cluster.folder, binaries=binaries, durable=False) as again:
        assert again.ensure_database("app") is False


def test_cluster__killed_again_and_again__always_recovers(cluster: Cluster, binaries: Binaries) -> None:
    """Ten kills in a row, each with a client connected, lose no start."""
    for _ in range(10):
        with psycopg.connect(cluster.url("postgres", role="postgres")):
            kill_postmaster(cluster)
            with Cluster(cluster.folder, binaries=binaries, durable=False) as again:
                again.ensure_database("app")
        cluster.close()
        cluster.start()

    assert running(cluster)


@pytest.mark.parametrize("foreign", ["zombie", "living"])
def test_cluster__stale_pid_is_anothers__is_neither_trusted_nor_harmed(
    cluster: Cluster, binaries: Binaries, foreign: str
) -> None:
    """A process that got the dead server's number is not taken for the server."""
    kill_postmaster(cluster)
    wait_until(lambda: is_free(cluster.site.server))
    account = cluster.site.account
    process = subprocess.Popen(["sleep", "60"] if foreign == "living" else ["true"], **_as(account.uid))
    try:
        if foreign == "zombie":
            wait_until(lambda: "Z" in Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1][:3])
        stale = cluster.site.data / "postmaster.pid"
        stale.write_text("\n".join([str(process.pid), *stale.read_text().split("\n")[1:]]))
        assert postmaster_pid(cluster.site.data) is None

        with Cluster(cluster.folder, binaries=binaries, durable=False) as again:
            assert running(again)

        assert process.poll() is None if foreign == "living" else True
    finally:
        process.kill()
        process.wait()


def _as(uid: int) -> dict[str, int]:
    return {"user": uid} if os.geteuid() == 0 else {}


def test_cluster__initdb_killed__starts_the_next_time(place: Path, binaries: Binaries) -> None:
    """An initdb that dies half-way leaves nothing that looks like a data directory."""
    broken = place / "pgsql" / "bin"
    broken.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (broken / name).write_text('#!/bin/sh\nmkdir "$2/base"; echo 18 > "$2/PG_VERSION"; kill -9 $$\n')
        (broken / name).chmod(0o755)
    with pytest.raises(ServerFailed):
        Cluster(place / "pg", binaries=Binaries(broken, binaries.version, "test")).start()

    with Cluster(place / "pg", binaries=binaries, durable=False) as started:
        assert running(started)


def test_cluster__server_refuses_to_start__says_what_the_log_says(place: Path, binaries: Binaries) -> None:
    """A setting the server does not know comes back in the error, with the log's place."""
    cluster = Cluster(place / "pg", binaries=binaries, durable=False, settings={"no_such_setting": "1"})

    with pytest.raises(ServerFailed, match=r"no_such_setting.*server\.log"):
        cluster.start()


def test_cluster__made_by_another_version__says_what_to_do(cluster: Cluster, binaries: Binaries) -> None:
    """Data of another major version is refused, not touched."""
    cluster.close()
    (cluster.site.data / "PG_VERSION").write_text("14\n")

    with pytest.raises(VersionMismatch, match="POSTGRES_BIN"):
        Cluster(cluster.folder, binaries=binaries).start()


@pytest.mark.parametrize("name", ["x" * 120, "a,b", "with space & 'quote'"])
def test_cluster__awkward_path__is_served(place: Path, binaries: Binaries, name: str) -> None:
    """A path too long for a socket, or with characters that libpq or PostgreSQL split at, works."""
    with Cluster(place / name / "pg", binaries=binaries, durable=False) as cluster:
        cluster.ensure_database("app")
        with psycopg.connect(cluster.url("app")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert len(os.fsencode(cluster.site.sockets / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES


def test_cluster__short_socket_folder__is_removed_at_the_stop(place: Path, binaries: Binaries) -> None:
    """The folder made for a short socket path goes with the server."""
    with Cluster(place / ("x" * 120) / "pg", binaries=binaries, durable=False) as cluster:
        sockets = cluster.site.sockets

    assert not sockets.exists()


def test_cluster__copied_template__has_the_templates_tables(steady: Cluster) -> None:
    """A database made from a template holds its rows and belongs to the ordinary role."""
    steady.ensure_database("model")
    with psycopg.connect(steady.url("model")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    steady.create_from_template("copy", "model")

    with psycopg.connect(steady.url("copy")) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_cluster__name_taken__is_refused(steady: Cluster) -> None:
    """Copying onto an existing database is an error with its name."""
    steady.ensure_database("origin")
    steady.ensure_database("taken")

    with pytest.raises(DatabaseRefused, match="taken"):
        steady.create_from_template("taken", "origin")


def test_cluster__database_in_use__is_dropped_all_the_same(steady: Cluster) -> None:
    """Dropping a database cuts its clients off."""
    steady.ensure_database("gone")
    with psycopg.connect(steady.url("gone"), autocommit=True) as connection:
        steady.drop_database("gone")

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


@pytest.mark.parametrize("name", ["", "postgres", "template1", "x" * 64, "a\0b"])
def test_cluster__impossible_database_name__is_refused(steady: Cluster, name: str) -> None:
    """Names that PostgreSQL would cut, or that are its own, are refused before it sees them."""
    with pytest.raises(DatabaseRefused):
        steady.drop_database(name)


def test_settle__url_given__starts_nothing(place: Path) -> None:
    """A DATABASE_URL that is set is left alone."""
    assert settle({"DATABASE_URL": "postgresql://db/app"}, place) is None


def test_settle__no_url__sets_one_that_works(place: Path) -> None:
    """Without DATABASE_URL the checkout's own cluster is started and named."""
    env = dict(os.environ)
    env.pop("DATABASE_URL", None)

    cluster = settle(env, place)

    assert cluster is not None
    with cluster, psycopg.connect(env["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("smartmodels",)


def test_status_command__json__says_where_the_server_is(place: Path) -> None:
    """`./dev db status --json` of a checkout without a cluster says that none runs, with exit code 3."""
    outcome = subprocess.run(
        [sys.executable, "-m", "config.postgres", "--root", place, "status", "--json"],
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (outcome.returncode, json.loads(outcome.stdout)["running"]) == (3, False)


def test_cluster__programs_below_a_quote__are_refused_with_the_reason(
    place: Path, binaries: Binaries
) -> None:
    """PostgreSQL itself cannot run initdb from such a path, and the error says so."""
    folder = place / 'a "quote"' / "bin"
    shutil.copytree(binaries.folder, folder)

    with pytest.raises(PostgresUnavailable, match="move it"):
        Cluster(place / "pg", binaries=Binaries(folder, binaries.version, "test")).start()


@only_root
def test_cluster__caller_is_root__server_is_not(steady: Cluster) -> None:
    """The server of a root caller runs as an unprivileged user."""
    pid = steady.status().pid

    assert Path(f"/proc/{pid}").stat().st_uid == steady.site.account.uid != 0


@only_root
def test_cluster__made_with_sudo__is_usable_without(
    place: Path, binaries: Binaries, another_user: Callable[..., UserProcess], as_nobody: tuple[str, ...]
) -> None:
    """What root made through sudo belongs to the person, who can go on without sudo."""
    nobody = pwd.getpwnam("nobody")
    shutil.chown(place, nobody.pw_uid, nobody.pw_gid)
    sudo = {**os.environ, "SUDO_UID": str(nobody.pw_uid)}
    with Cluster(place / ".data" / "pg", binaries=binaries, durable=False, env=sudo) as cluster:
        assert cluster.site.account.uid == nobody.pw_uid

    later = another_user(place / ".data" / "pg", *as_nobody)

    assert later.stdout is not None
    assert later.stdout.readline().strip().isdecimal(), later.communicate()


@only_root
def test_cluster__below_a_private_folder__lives_in_var_tmp(place: Path, binaries: Binaries) -> None:
    """Where the server's user cannot enter, the cluster goes elsewhere and a file says where."""
    private = place / "private"
    private.mkdir(mode=0o700)

    with Cluster(private / "pg", binaries=binaries, durable=False) as cluster:
        assert cluster.site.folder.parent == refuge(private / "pg")
        assert pointer(private / "pg").read_text().strip() == str(cluster.site.folder)
        assert private.stat().st_mode & 0o777 == 0o700


@only_root
def test_cluster__moved_out__is_found_again_with_its_data(place: Path, binaries: Binaries) -> None:
    """The next start follows the file to the same data."""
    private = place / "private"
    private.mkdir(mode=0o700)
    with Cluster(private / "pg", binaries=binaries, durable=False) as cluster:
        cluster.ensure_database("app")

    with Cluster(private / "pg", binaries=binaries, durable=False) as again:
        assert again.ensure_database("app") is False


@only_root
def test_cluster__moved_out_and_removed__leaves_nothing(place: Path, binaries: Binaries) -> None:
    """Removing a checkout's cluster follows the file and takes everything along."""
    private = place / "private"
    private.mkdir(mode=0o700)
    with Cluster(private / "pg", binaries=binaries, durable=False):
        pass

    remove_site(private / "pg")

    assert not refuge(private / "pg").exists()
    assert not list(private.iterdir())


@pytest.mark.skipif(not has_memory(), reason="There is no memory for files here, or too little.")
def test_cluster__in_memory__is_found_again_and_removed(place: Path, binaries: Binaries) -> None:
    """A cluster whose files are in memory is found by the same file, and goes without a trace."""
    with Cluster(place / "pg", binaries=binaries, durable=False, in_memory=True) as cluster:
        cluster.ensure_database("app")
        assert cluster.site.folder.parent == refuge(place / "pg", MEMORY)
    with Cluster(place / "pg", binaries=binaries, durable=False, in_memory=True) as again:
        assert again.ensure_database("app") is False

    remove_site(place / "pg")

    assert not refuge(place / "pg", MEMORY).exists()
    assert not list(place.iterdir())


def test_memory__less_than_asked_for__is_not_had() -> None:
    """Where there is too little room, files stay on disk."""
    assert not has_memory(at_least=1024**5)


@only_root
def test_cluster__pointer_copied_with_the_checkout__is_not_followed(place: Path, binaries: Binaries) -> None:
    """A copied checkout makes its own cluster instead of sharing the original's."""
    for name in ("one", "two"):
        (place / name).mkdir(mode=0o700)
    with Cluster(place / "one" / "pg", binaries=binaries, durable=False) as original:
        shutil.copy(pointer(place / "one" / "pg"), pointer(place / "two" / "pg"))

        with Cluster(place / "two" / "pg", binaries=binaries, durable=False) as copy:
            assert copy.site.folder != original.site.folder


@only_root
def test_cluster__refuge_made_by_another__is_refused(place: Path, binaries: Binaries) -> None:
    """A folder that somebody else put where the cluster would go is never used."""
    private = place / "private"
    private.mkdir(mode=0o700)
    planted = refuge(private / "pg")
    planted.mkdir()
    shutil.chown(planted, "nobody")
    try:
        with pytest.raises(FolderNotOurs, match="somebody else"):
            Cluster(private / "pg", binaries=binaries).start()
    finally:
        planted.rmdir()


@only_root
def test_cluster__programs_out_of_reach__are_copied(place: Path, binaries: Binaries) -> None:
    """Programs below a private folder run from a copy beside the data."""
    private = place / "private"
    private.mkdir(mode=0o700)
    package = binaries.folder.parents[1]
    shutil.copytree(package, private / package.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, private / libraries.name)
    hidden = Binaries(
        private / package.name / binaries.folder.parent.name / binaries.folder.name, binaries.version, "test"
    )

    with Cluster(place / "pg", binaries=hidden, durable=False) as cluster:
        assert running(cluster)


@only_root
def test_cluster__root_without_setuid_rights__says_so(
    place: Path, another_user: Callable[..., UserProcess]
) -> None:
    """In a container whose root may not become another user, the error says what is missing."""
    wrapper = ("setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid")
    refused = another_user(place / "pg", *wrapper)

    _output, errors = refused.communicate("\n", timeout=PATIENCE_SECONDS)

    assert errors.strip() == "privilege_missing"


@only_root
def test_cluster__data_of_another_user__says_whose(
    steady: Cluster, another_user: Callable[..., UserProcess], as_nobody: tuple[str, ...]
) -> None:
    """An ordinary user who finds a service user's data is told so."""
    refused = another_user(steady.folder, *as_nobody)

    _output, errors = refused.communicate("\n", timeout=PATIENCE_SECONDS)

    assert errors.strip() == "folder_not_ours"
