"""Write pieces down in the order in which they are made fastest: rows before indexes, triggers last."""

from __future__ import annotations

from collections.abc import Sequence

from smartmodels.tenancy.template.catalogue.pieces import Piece, Stage

__all__ = ["write_script"]


def write_script(pieces: Sequence[Piece], objects: Sequence[Piece], rows: Sequence[str]) -> str:
    """Return one script: the objects in their order, the rows, then everything else stage by stage."""
    fragments: dict[str, list[str]] = {}
    for piece in pieces:
        if piece.of is not None and piece.sql:
            fragments.setdefault(piece.of, []).append(piece.sql)
    place = {piece.name: number for number, piece in enumerate(objects)}
    later = sorted(
        (piece for piece in pieces if piece.stage > Stage.MAKE),
        # Materialized views are filled in the order in which they were made.
        key=lambda piece: (piece.stage, place.get(piece.name, 0) if piece.kind == "filling" else -1),
    )
    statements = [_create(piece, fragments) for piece in objects]
    statements += [piece.sql for piece in later if piece.stage < Stage.ROWS]
    statements += rows
    statements += [piece.sql for piece in later if piece.stage > Stage.ROWS]
    return ";\n".join(statements)


def _create(piece: Piece, fragments: dict[str, list[str]]) -> str:
    if piece.kind != "table":
        return piece.sql
    return f"{piece.sql} ({', '.join(fragments.get(piece.name, []))}){piece.tail}"
