"""A namespace with rows of every kind, and what its schema holds, for tests that move it elsewhere."""

import hashlib
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history.evidence import anchor
from smartmodels.transfer import export_namespace
from tenant_apps.activities.models import Activity
from tenant_apps.research.models import Observation, Specimen, Study
from tests.zoo.models import Animal, Enclosure, Keeper, Tag

ODD = "back\\slash \\N \\. tab\t line\n cr\r quote'\" \u00e9 \U0001f9ac"


def fill(namespace: Any, user: Any, *, text: str = ODD, rows: int = 3) -> None:
    """Make, change, link, delete and restore rows in the namespace, and anchor its history."""
    with namespace_scope(namespace), operation(actor=Actor.user(user), reason=f"why {user.email}"):
        keeper = Keeper.objects.create(name="Clara Oswin", email="clara@zoo.example", pin="1234")
        yard = Enclosure.objects.create(name=text, keeper=keeper)
        tag = Tag.objects.create(label=text[:50])
        for number in range(rows):
            animal = Animal.objects.create(
                name=f"{number} {text}"[:100], enclosure=yard, keeper=keeper, weight=Decimal("1.500000"),
                seen_at=datetime(2024, 2, 29, 12, 30, 0, 7, UTC), ratio=0.1 + number,
                payload={"a": [1, None, text], "b": 1.0},
            )  # fmt: skip
            animal.tags.set([tag])
        animal.delete()
        yard.delete()
        yard.undelete()
        study = Study.objects.create(code="PAL0708", title=text, island="Biscoe")
        specimen = Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
        Observation.objects.create(specimen=specimen, comments=text, body_mass_g=3750)
        study.notes = text
        study.save()
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        Activity.objects.create(
            kind="comment", resource_type=_kind_of(Study), resource_id=study.pk, text=f"ask {user.email}"
        )
        anchor()


def _kind_of(model: Any) -> Any:
    from_model = Activity._meta.get_field("resource_type").related_model
    return from_model.objects.get_for_model(model)


def exported(namespace: Any) -> bytes:
    """The namespace as a file."""
    file = io.BytesIO()
    with operation(actor=Actor.system("tests")):
        export_namespace(namespace, file)
    return file.getvalue()


def tables(schema: str) -> list[str]:
    """The names of the tables of a schema."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema])
        return [name for (name,) in cursor.fetchall()]


def checksum(schema: str, *, leave_out: str = "") -> str:
    """A digest of every row of every table of the schema."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        for name in (each for each in tables(schema) if each != leave_out):
            rows = f'FROM "{schema}"."{name}" t'
            cursor.execute(f"SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t::text)) {rows}")
            digest.update(f"{name} {cursor.fetchone()}\n".encode())
    return digest.hexdigest()


def schemas() -> set[str]:
    """The names of all schemas that are a namespace's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 't_')")
        return {name for (name,) in cursor.fetchall()}


def forget_accounts() -> None:
    """Remove every account but staff's and the sentinel's, as if this were another installation."""
    with connection.cursor() as cursor:
        for table in ("accounts_token", "namespaces_handover", "namespaces_membership", "accounts_session"):
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608
        cursor.execute("DELETE FROM accounts_user WHERE email LIKE '%@example.org' AND NOT is_staff")
