"""The change feed over HTTP, read to its end or as a stream."""

import json
from typing import Any

CHANGES = "/api/v1/changes/"


def read_all(api: Any, since: str | None = None, **query: Any) -> tuple[list[dict[str, Any]], str]:
    """Everything since a cursor, page by page; the entries, and the cursor behind them."""
    found: list[dict[str, Any]] = []
    while True:
        given = query if since is None else {**query, "since": since}
        answer = api.get(CHANGES, **given)
        assert answer.status_code == 200, answer.content
        page = answer.json()
        found += page["results"]
        since = str(page["cursor"])
        if not page["more"]:
            return found, since


def events_of(chunk: bytes) -> list[dict[str, Any]]:
    """The events of a chunk: their fields, data as JSON; comments are left out."""
    found = []
    for block in chunk.decode().strip().split("\n\n"):
        fields: dict[str, Any] = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if "data" in fields:
            fields["data"] = json.loads(fields["data"])
        if fields:
            found.append(fields)
    return found
