#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL the local PostgreSQL is started, or joined, first."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT / "platform"), str(ROOT)]

from django.core.management import execute_from_command_line  # noqa: E402

from config.postgres import PostgresUnavailable, settle  # noqa: E402
from smartmodels.context import Actor, operation  # noqa: E402


def main() -> None:
    """Settle the database, then run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        cluster = settle(os.environ, ROOT)
    except PostgresUnavailable as error:
        sys.exit(f"error: {error}")
    try:
        # So that commands of other packages, such as loaddata, write in somebody's name as well.
        with operation(actor=Actor.command(" ".join(sys.argv[1:2]) or "help")):
            execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if cluster is not None:
            cluster.close()


if __name__ == "__main__":
    main()
