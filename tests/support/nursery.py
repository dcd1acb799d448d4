"""Workers that start in a moment: forks of a process that has everything loaded.

Run as a program, it reads one JSON wish per line (words, database, settings, log), answers each with the pid
of the fork, and writes how a fork ended into ``<log>.exit``.
"""

import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import django

django.setup()

from django.core.management import CommandError, call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import override_settings  # noqa: E402

LOGS: dict[int, str] = {}


def be_worker(wish: dict[str, Any]) -> NoReturn:
    """Run the command; all it says goes into the log."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    connections.settings["default"]["NAME"] = wish["database"]
    code = 0
    try:
        with override_settings(**wish["settings"]):
            call_command("worker", *wish["words"])
    except CommandError as error:
        print(error, file=sys.stderr)
        code = 1
    except BaseException:  # noqa: BLE001 - whatever it is, the test is to see it
        traceback.print_exc()
        code = 2
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def reap(*_: object) -> None:
    """Note how forks ended; those of a wish that is just being answered are noted next time."""
    for pid in list(LOGS):
        with suppress(ChildProcessError):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                draft = Path(f"{LOGS.pop(pid)}.draft")
                draft.write_text(str(os.waitstatus_to_exitcode(status)))
                draft.rename(draft.with_suffix(".exit"))


def main() -> None:
    """Fork until there are no more wishes."""
    signal.signal(signal.SIGCHLD, reap)
    print("ready", flush=True)
    for line in sys.stdin:
        wish = json.loads(line)
        pid = os.fork()
        if pid == 0:
            be_worker(wish)
        LOGS[pid] = wish["log"]
        print(pid, flush=True)
        reap()


if __name__ == "__main__":
    main()
