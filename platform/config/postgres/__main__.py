"""`./dev db`: start, stop, look at and talk to the checkout's own PostgreSQL."""
# ruff: noqa: T201 - its output is its purpose

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from config.postgres.binaries import find_binaries
from config.postgres.cluster import Cluster, stop_server
from config.postgres.errors import PostgresError
from config.postgres.settle import DATABASE, application_folder, data_folder
from config.postgres.site import remove_site

ROOT = Path(__file__).resolve().parents[3]
NOT_RUNNING = 3


def main(words: Sequence[str]) -> int:
    """Run one command; its exit code (status: 3 while the server does not run, as pg_ctl has it)."""
    parser = _parser()
    options, rest = parser.parse_known_args(words)
    options.arguments = rest
    if rest and options.command is not _psql:
        parser.error(f"unknown arguments: {' '.join(options.arguments)}")
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except PostgresError as error:
        print(f"{error} [{error.code}]", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev db", description="The PostgreSQL of this checkout.")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(required=True, metavar="start | stop | status | url | psql | remove")
    for command, about in COMMANDS.items():
        name = command.__name__.strip("_")
        each = commands.add_parser(name, help=about, description=about)
        each.set_defaults(command=command)
        if command in (_stop, _remove):
            each.add_argument("--force", action="store_true", help="also while other processes use it")
        if command is _status:
            each.add_argument("--json", action="store_true", help="for machines")
    return parser


def _start(options: argparse.Namespace) -> int:
    with _cluster(options, keep=True) as cluster:
        cluster.ensure_database(DATABASE)
        print(f"PostgreSQL {cluster.binaries.version} runs in {cluster.site.folder} until './dev db stop'.")
    return 0


def _stop(options: argparse.Namespace) -> int:
    stopped = _cluster(options).stop(force=options.force)
    print("PostgreSQL is stopped." if stopped else "PostgreSQL was not running.")
    return 0


def _status(options: argparse.Namespace) -> int:
    cluster = _cluster(options)
    status = cluster.status()
    facts = {
        "running": status.running,
        "kept": status.kept,
        "folder": str(status.folder or cluster.folder),
        "socket_folder": str(status.sockets) if status.sockets else None,
        "pid": status.pid,
        "user": status.user,
        "version": cluster.binaries.version,
        "programs": str(cluster.binaries.folder),
        "origin": cluster.binaries.origin,
        "database_url_set": bool(os.environ.get("DATABASE_URL")),
    }
    if options.json:
        print(json.dumps(facts))
    else:
        print("\n".join(f"{name:<17} {value}" for name, value in facts.items()))
    return 0 if status.running else NOT_RUNNING


def _url(options: argparse.Namespace) -> int:
    with _cluster(options) as cluster:
        cluster.ensure_database(DATABASE)
        print(cluster.url(DATABASE))
    return 0


def _psql(options: argparse.Namespace) -> int:
    with _cluster(options) as cluster:
        cluster.ensure_database(DATABASE)
        # Ctrl-C cancels a query in psql; this process only waits.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            command = [cluster.binaries.program("psql"), cluster.url(DATABASE), *options.arguments]
            return subprocess.run(command, check=False).returncode
        finally:
            signal.signal(signal.SIGINT, before)


def _remove(options: argparse.Namespace) -> int:
    data = data_folder(options.root, os.environ)
    for lock in sorted([*data.glob("*.lock"), *data.glob("*/*.lock")]):
        folder = lock.with_suffix("")
        stop_server(folder, env=os.environ, force=options.force)
        for removed in remove_site(folder):
            print(f"removed {removed}")
    return 0


def _cluster(options: argparse.Namespace, *, keep: bool = False) -> Cluster:
    return Cluster(
        application_folder(options.root, os.environ), binaries=find_binaries(os.environ), keep=keep
    )


COMMANDS: dict[Callable[[argparse.Namespace], int], str] = {
    _start: "start the server and leave it running until 'stop'",
    _stop: "stop the server",
    _status: "whether it runs, where, which version",
    _url: "print its DATABASE_URL",
    _psql: "open psql on the application's database; further arguments are passed on",
    _remove: "stop every cluster of this checkout and remove their data",
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
