"""What commands print: aligned tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

__all__ = ["as_json", "facts", "table"]

Paint = Callable[[str], str]


def as_json(value: Any) -> str:
    """Return the value as indented JSON; dates in ISO 8601, keys of rows as text."""
    return json.dumps(value, cls=DjangoJSONEncoder, indent=2)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], paint: Mapping[str, Paint]) -> str:
    """Return aligned columns under their headers; ``paint`` colours the cells that read as its keys."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]

    def line(cells: Sequence[str], paint: Mapping[str, Paint]) -> str:
        # Padded first: escape sequences have no width on the screen, but a length.
        padded = [(cell, cell.ljust(width)) for cell, width in zip(cells, widths, strict=True)]
        return "  ".join(paint[cell](text) if cell in paint else text for cell, text in padded).rstrip()

    return "\n".join([line(headers, {}), *(line(row, paint) for row in rows)])


def facts(values: Mapping[str, str], paint: Mapping[str, Paint]) -> str:
    """Return one line for each name and value, the values aligned; a value may have several lines."""
    width = max(map(len, values))
    lines = []
    for name, value in values.items():
        first, *more = value.split("\n")
        lines.append(f"{name.ljust(width)}  {paint[first](first) if first in paint else first}".rstrip())
        lines += [f"{'':{width}}  {text}" for text in more]
    return "\n".join(lines)
