"""What a worker says: lines for people, or one JSON object per line."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

__all__ = ["log_as_json", "quiet_queue"]

_OURS = "smartmodels.jobs"


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)


def log_as_json() -> None:
    """Log every job that begins and ends, and all warnings, as JSON on stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.getLogger(_OURS).setLevel(logging.INFO)


def _is_no_outcome(record: logging.LogRecord) -> bool:
    return not str(getattr(record, "action", "")).startswith("job_")


def quiet_queue() -> None:
    """Keep procrastinate from logging jobs with their arguments: we say how each one ended."""
    logging.getLogger("procrastinate.worker").addFilter(_is_no_outcome)
