"""Prove that a script makes what it was recorded from, before anybody uses it."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from django.db import connections, transaction

from smartmodels.tenancy.template.catalogue import Definitions, Recording, definitions, record
from smartmodels.tenancy.template.catalogue.pieces import Piece
from smartmodels.tenancy.template.errors import TemplateUnusable
from smartmodels.tenancy.template.replaying import replay
from smartmodels.tenancy.triggers import quoted

__all__ = ["differing", "proved_recording"]

# ARRAY['a'::character varying, 'b'::character varying]::text[]: PostgreSQL reads what it printed itself in
# another way, casting each element; with the array's own type said first it is read as it was.
_LITERAL = r"E?'(?:[^']|'')*'::"
_ARRAY = re.compile(rf"ARRAY\[({_LITERAL}([a-z ]+)(?:, {_LITERAL}\2)*)\](?=\)?::)")


def _with_array_types(piece: Piece) -> Piece:
    return replace(piece, sql=_ARRAY.sub(r"ARRAY[\1]::\2[]", piece.sql))


def differing(one: Definitions, other: Definitions) -> list[str]:
    """Return the names of what differs or is missing in either."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def proved_recording(schema: str, *, using: str = "default") -> Recording:
    """Record the schema, and make it once more from the script to see that nothing differs.

    Raises TemplateUnusable, naming what differs.
    """
    recording = record(schema, using=using)
    differences = differing(recording.definitions, _made_by(recording.script, using))
    if differences:
        wanted = frozenset(differences)
        recording = record(schema, using=using, mend=_with_array_types, only=wanted)
        differences = differing(recording.definitions, _made_by(recording.script, using))
    if differences:
        named = ", ".join(differences)
        raise TemplateUnusable(
            f"A script made {named} other than the migrations do, so it is not used: "
            "namespaces are made by migrations, which takes longer.",
            objects=named,
        )
    return recording


def _made_by(script: str, using: str) -> Definitions:
    """Return what the script makes of an empty schema, of which nothing is left afterwards."""
    schema = f"smartmodels_proof_{secrets.token_hex(6)}"
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {quoted(schema)}")
        replay(script, schema, using=using)
        made = definitions(schema, using=using)
        transaction.set_rollback(True, using=using)
    return made
