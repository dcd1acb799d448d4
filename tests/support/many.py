"""Several namespaces with random rows, made in a moment: for tests of what reads many namespaces."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, connections
from psycopg import sql
from pytest_django import DjangoDbBlocker

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.tenancy.models import State
from smartmodels.tenancy.names import new_schema_name
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.databases import Databases
from tests.support.people import email_of

ISLANDS = ("Biscoe", "Dream", "Torgersen", "")
SPECIES = ("Adelie", "Chinstrap", "Gentoo")
_KEYS = UUID("6f0f3a51-8c2e-4e0e-9a55-0d6c2f1f7a10")


def cheap_namespace(slug: str, *, like: Namespace, state: str = State.ACTIVE) -> Namespace:
    """A namespace with tables like those of another, without its rows, constraints to others and triggers."""
    namespace: Namespace = Namespace.objects.create(
        slug=slug, name=slug.title(), schema_name=new_schema_name(slug), state=state
    )
    made, known = sql.Identifier(namespace.schema_name), sql.Identifier(like.schema_name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [like.schema_name])
        statements = [sql.SQL("CREATE SCHEMA {}").format(made)]
        for (name,) in cursor.fetchall():
            table = sql.Identifier(name)
            copy = sql.SQL("CREATE TABLE {}.{} (LIKE {}.{} INCLUDING ALL)")
            statements.append(copy.format(made, table, known, table))
        records = sql.SQL("INSERT INTO {}.django_migrations SELECT * FROM {}.django_migrations")
        statements.append(records.format(made, known))
        cursor.execute(sql.SQL("; ").join(statements))
    return namespace


@contextmanager
def database_of_a_module(databases: Databases, blocker: DjangoDbBlocker) -> Iterator[None]:
    """A private copy of the database for all tests of a module, which only read."""
    with databases.private() as name, blocker.unblock():
        connections.close_all()
        connection.settings_dict["NAME"] = name
        try:
            yield
        finally:
            connections.close_all()
            connection.settings_dict["NAME"] = databases.name


def four_namespaces() -> list[Namespace]:
    """alpha, beta, gamma and delta, with rows of their own under the same keys."""
    alpha, beta = Namespace.objects.filter(slug__in=["alpha", "beta"]).order_by("slug")
    found = [alpha, beta, cheap_namespace("gamma", like=alpha), cheap_namespace("delta", like=alpha)]
    seed(found, [User.objects.get(email=email_of(name)) for name in ("ana", "bea")])
    return found


def key(*parts: Any) -> UUID:
    """The same key in every namespace: what must not be mixed up."""
    return uuid5(_KEYS, "-".join(map(str, parts)))


def seed(namespaces: Sequence[Namespace], owners: Sequence[User], *, number: int = 1) -> None:
    """Fill every namespace with rows of its own, under the same keys everywhere; some are deleted."""
    chance = random.Random(number)  # noqa: S311 - the same rows in every run
    for namespace in namespaces:
        with namespace_scope(namespace), operation(actor=Actor.user(owners[0])):
            _seed_one(chance, owners)


def _seed_one(chance: random.Random, owners: Sequence[User]) -> None:
    studies = [
        Study(
            id=key("study", number), code=f"P{number}", island=chance.choice(ISLANDS),
            title=chance.choice(["", "a%b", "O'Hara", '"x"', "\\"]), owner_id=chance.choice(owners).pk,
        )
        for number in range(7)
    ]  # fmt: skip
    specimens = [
        Specimen(
            id=key("specimen", number), study=chance.choice(studies[:6]), number=number,
            individual=f"N{chance.randrange(4)}", species=chance.choice(SPECIES),
            sex=chance.choice(["male", "female", ""]), clutch_complete=chance.choice([True, False, None]),
            egg_date=chance.choice([None, date(2008, 11, 1) + timedelta(days=chance.randrange(40))]),
        )
        for number in range(20)
    ]  # fmt: skip
    observations = [
        Observation(
            id=key("observation", number), specimen=chance.choice(specimens[:16]),
            body_mass_g=chance.choice([None, chance.randrange(2700, 6300, 25)]),
            flipper_length_mm=chance.choice([None, chance.randrange(170, 232)]),
            culmen_length_mm=chance.choice([None, Decimal(chance.randrange(320, 600)) / 10]),
            observed_on=date(2009, 1, 1) + timedelta(days=chance.randrange(30)),
        )
        for number in range(40)
    ]  # fmt: skip
    for model, rows in ((Study, studies), (Specimen, specimens), (Observation, observations)):
        model.objects.bulk_create(rows)
    chance.choice(studies[:3]).delete()
    for observation in chance.sample(observations, 4):
        observation.delete()
