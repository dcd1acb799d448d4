"""An interpreter that has the packages of others imported, and forks for each command of a page.

A page starts ``manage.py`` again and again, and half of each start is the import of the same packages.
Nothing of the project is imported before the fork, nor is it told any settings: what a command runs is its
own.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

__all__ = ["CLIENT", "serve", "start"]

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "asyncio", "cryptography.x509", "django.contrib.postgres.fields", "django.core.management",
    "django.core.serializers.json", "django.db.backends.postgresql.base", "django.db.models", "django.forms",
    "django.http", "django.template.engine", "django.test", "django.urls", "jwcrypto.jwk", "procrastinate",
    "psycopg.types.multirange", "psycopg.types.range", "requests", "urllib3", "yaml",
)  # fmt: skip

# What stands in a page's checkout as its interpreter. Whatever is not manage.py is left to the real one.
CLIENT = """#!{python} -SE
import array, json, os, signal, socket, sys
if sys.argv[1:2] != ["manage.py"]:
    os.execv("{real}", ["{real}", *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect("{address}")
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(asked).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(asked)
    pid = int.from_bytes(server.recv(8, socket.MSG_WAITALL), "big")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda sent, _: os.kill(pid, sent))
    code = int.from_bytes(server.recv(8, socket.MSG_WAITALL), "big", signed=True)
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


def start(folder: Path) -> tuple[Path, subprocess.Popen[bytes]]:
    """Start the interpreter; return the address it answers at, and its process to be ended."""
    address = folder / "warm.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(address))
        listening.listen(16)
        number = listening.fileno()
        command = [sys.executable, "-m", "tests.docs.warm", str(number)]
        return address, subprocess.Popen(command, cwd=ROOT, pass_fds=[number])


def serve(listening: socket.socket) -> None:
    """Answer until the process is ended; each command has a process that waits for it."""
    for name in PACKAGES:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        asking, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _attend(asking)
            os._exit(0)
        asking.close()


def _attend(asking: socket.socket) -> None:
    length, streams, _, _ = socket.recv_fds(asking, 8, 3)
    words, folder, environment = json.loads(_read(asking, int.from_bytes(length, "big")))
    pid = os.fork()
    if pid == 0:
        asking.close()
        _become(words, folder, environment, streams)
    for stream in streams:
        os.close(stream)
    asking.sendall(pid.to_bytes(8, "big"))
    # Whoever asked is gone without a word: so is the command.
    threading.Thread(target=_end_with, args=(asking, pid), daemon=True).start()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    asking.sendall(code.to_bytes(8, "big", signed=True))


def _read(asking: socket.socket, length: int) -> bytes:
    read = b""
    while len(read) < length:
        read += asking.recv(length - len(read))
    return read


def _end_with(asking: socket.socket, pid: int) -> None:
    if not asking.recv(1):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _become(words: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> None:
    """Be the command, from its arguments to how it ends."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
        del sys.modules[name]
    sys.argv, sys.path[0] = list(words), folder
    runpy.run_path(words[0], run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
