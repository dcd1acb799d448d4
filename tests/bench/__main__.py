"""``python -m tests.bench [NAME] [--quick]``: measure the figures whose name begins with NAME."""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

import django

from config.postgres import Cluster, find_binaries
from tests.bench.measuring import FIGURES
from tests.support.databases import ROOT, Databases

BENCHES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if path.stem != "measuring")


def measure(names: list[str], rounds: int) -> int:
    """Print ``name ratio`` per figure; return how many lie above their ceiling."""
    above = 0
    for name in names:
        value = FIGURES[name].measure(rounds)
        above += value > FIGURES[name].ceiling
        # What is to be a small part of the peer needs its digits.
        print(f"{name} {value:.{2 if FIGURES[name].ceiling >= 0.1 else 4}f}", flush=True)
    return above


def end_listening() -> None:
    """Stop what hears of changes in the database, which is about to go; only a figure may have begun it."""
    if (routing := sys.modules.get("smartmodels.tenancy.routing")) is not None:
        routing.stop_listening()


def main(words: list[str]) -> int:
    """Measure on a database of its own; exit code 1 when a figure lies above its ceiling."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="beginning of the names of the figures")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a rougher figure")
    parser.add_argument("--all", action="store_true", help="measure everything there is")
    options = parser.parse_args(words)
    with Cluster(
        ROOT / ".data" / "test-postgres", binaries=find_binaries(os.environ), durable=False, in_memory=True
    ) as cluster:
        databases = Databases(os.environ.get("DATABASE_URL") or cluster.url("postgres"))
        try:
            databases.make_own()
            os.environ.update(DATABASE_URL=databases.url, DJANGO_SETTINGS_MODULE="tests.settings")
            django.setup()
            for bench in BENCHES:
                import_module(f"tests.bench.{bench}")
            if not options.name and not options.all:
                print("What can be measured (--all: everything):", *FIGURES, sep="\n  ")
                return 0
            names = [name for name in FIGURES if name.startswith(options.name)]
            if not names:
                parser.error(f"no figure begins with {options.name!r}: {', '.join(FIGURES)}")
            return int(bool(measure(names, rounds=20 if options.quick else 100)))
        finally:
            end_listening()
            databases.close()


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "platform")]
    sys.exit(main(sys.argv[1:]))
