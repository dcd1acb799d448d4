"""What the demo says: one line per step, a bar while it lasts if somebody is looking."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["Screen", "Step"]

_NAME_WIDTH = 26
_BAR_WIDTH = 30


class Step:
    """One step of the story while it is told."""

    def __init__(self, name: str, stream: TextIO, *, live: bool) -> None:
        self.outcome = "done"
        self._name = name
        self._stream = stream
        self._live = live
        self._shown = 0

    def begin(self) -> None:
        """Name the step on a terminal; elsewhere one line at its end is enough."""
        if self._live:
            self._draw(f"  {self._name:<{_NAME_WIDTH}} ...")

    def progress(self, done: int, total: int) -> None:
        """Show how far the step is; nothing unless the stream is a terminal."""
        if not self._live:
            return
        filled = _BAR_WIDTH * done // total
        bar = "#" * filled + "." * (_BAR_WIDTH - filled)
        self._draw(f"  {self._name:<{_NAME_WIDTH}} [{bar}] {done}/{total}")

    def finish(self, seconds: float) -> None:
        """Replace the bar by the outcome."""
        took = f"  ({seconds:.1f} s)" if seconds >= 0.1 else ""
        self._draw(f"  {self._name:<{_NAME_WIDTH}} {self.outcome}{took}", end="\n")

    def interrupt(self) -> None:
        """Leave the bar behind as it is."""
        if self._shown:
            self._stream.write("\n")

    def _draw(self, line: str, end: str = "") -> None:
        if self._live:
            line = line[: shutil.get_terminal_size().columns - 1] if not end else line
            padding = " " * (self._shown - len(line))
            self._shown = len(line)
            self._stream.write(f"\r{line}{padding}{end}")
        else:
            self._stream.write(f"{line}{end}")
        self._stream.flush()


class Screen:
    """Where the story is told: a terminal, or a quiet stream of lines."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._live = stream.isatty()

    def say(self, text: str = "") -> None:
        """Write a line at once."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Tell one step: its bar while it lasts, then its outcome and how long it took."""
        step = Step(name, self._stream, live=self._live)
        began = time.monotonic()
        step.begin()
        try:
            yield step
        except BaseException:
            step.interrupt()
            raise
        step.finish(time.monotonic() - began)
