"""A terminal in a checkout of its own, in which the commands of a page are typed one after the other."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.blocks import Command
from tests.docs.warm import CLIENT

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("platform", "shared_apps", "tenant_apps")
CACHES = shutil.ignore_patterns(".mypy_cache", ".ruff_cache")
MARK = "=== end of command"
SECONDS = 120
# The real script; only the environment that it would make is there already.
DEV = """#!{python}
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

loader = SourceFileLoader("dev_script", str(Path(__file__).with_name("dev_script")))
module = sys.modules["dev_script"] = module_from_spec(spec_from_loader("dev_script", loader))
loader.exec_module(module)
module.set_up = lambda *_: Path(sys.prefix)
sys.exit(module.main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Outcome:
    """What became of a command: its exit code and what it printed."""

    command: Command
    code: int
    printed: str


class Session:
    """A checkout with an environment, a database and a port of its own."""

    def __init__(self, folder: Path, database_url: str, data: Path, warm: Path) -> None:
        self.folder = folder
        self._port = _unused_port()
        self._environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SMARTMODELS_DATA": str(data),
        }
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=CACHES)
        shutil.copy(ROOT / "manage.py", folder)
        shutil.copy(ROOT / "dev", folder / "dev_script")
        (folder / "dev").write_text(DEV.format(python=sys.executable))
        (folder / "dev").chmod(0o755)
        self._make_environment(folder / ".venv", warm)

    @staticmethod
    def _make_environment(folder: Path, warm: Path) -> None:
        """Make an environment that is the real one, but for an interpreter that starts sooner."""
        (folder / "bin").mkdir(parents=True)
        for each in (Path(sys.prefix) / "bin").iterdir():
            if each.name != "python":
                (folder / "bin" / each.name).symlink_to(each)
        python = folder / "bin" / "python"
        python.write_text(CLIENT.format(python=sys.executable, real=sys.executable, address=warm))
        python.chmod(0o755)

    def run(self, commands: Sequence[Command]) -> list[Outcome]:
        """Type the commands into one shell, up to the first that fails."""
        script = "\n".join([PROLOGUE, *(self._typed(command) for command in commands)])
        shell = subprocess.Popen(
            ["bash", "-c", script], cwd=self.folder, env=self._environment, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            printed, _ = shell.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            printed, _ = shell.communicate()
            printed += f"\n{MARK} -1\n"
        parts = re.split(rf"{re.escape(MARK)} (-?\d+)\n", printed)
        ended = list(zip(parts[0::2], parts[1::2], strict=False))
        return [
            Outcome(command, int(code), text.replace(f":{self._port}", ":8000"))
            for command, (text, code) in zip(commands, ended, strict=False)
        ]

    def _typed(self, command: Command) -> str:
        text = command.text.replace("localhost:8000", f"localhost:{self._port}")
        if command.background:
            log = self.folder / "background.log"
            few = " --workers 1" if text.endswith("run") else ""
            text = f"{text} --port {self._port}{few} >{log} 2>&1 &\nanswering {self._port} $! || cat {log}"
        return f"{text}\nended $?"


PROLOGUE = f"""
ended() {{ echo; echo "{MARK} $1"; [ "$1" = 0 ] || exit; }}
answering() {{
  until curl -s -o /dev/null "http://127.0.0.1:$1/"; do kill -0 "$2" || return; sleep 0.1; done
}}
trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
"""


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
