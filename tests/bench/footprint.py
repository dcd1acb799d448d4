"""What 1,000 namespaces (--quick: 100) cost the server; these figures are no ratios."""

import os

import psycopg
from django.db import connection
from psycopg import sql

from tests.bench.measuring import figure
from tests.bench.requests import private_kib
from tests.support.crowds import crowd

MANY, MANY_QUICK = 1_000, 100
TOUCHED = 50


def number_of(rounds: int) -> int:
    """How many namespaces there are to be."""
    return MANY if rounds >= 100 else MANY_QUICK


def asked(query: str) -> float:
    """The one value that a query gives."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return float(cursor.fetchone()[0])


@figure("footprint.tables", ceiling=1_000)
def tables(rounds: int) -> float:
    """Tables of one namespace."""
    schema = crowd(number_of(rounds))[0].schema_name
    return asked(f"SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'")  # noqa: S608 - a name we made


@figure("footprint.catalogue_mb", ceiling=5_000)
def catalogue_mb(rounds: int) -> float:
    """MB of the system catalogue, indexes included."""
    crowd(number_of(rounds))
    return asked(
        "SELECT sum(pg_total_relation_size(oid)) / 1e6 FROM pg_class"
        " WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'"
    )


@figure("footprint.data_mb", ceiling=50_000)
def data_mb(rounds: int) -> float:
    """MB of the whole database, its empty tables and their indexes included."""
    crowd(number_of(rounds))
    return asked("SELECT pg_database_size(current_database()) / 1e6")


@figure("footprint.pg_class_rows", ceiling=1_000_000)
def pg_class_rows(rounds: int) -> float:
    """Tables, indexes and sequences."""
    crowd(number_of(rounds))
    return asked("SELECT count(*) FROM pg_class")


@figure("footprint.pg_attribute_rows", ceiling=5_000_000)
def pg_attribute_rows(rounds: int) -> float:
    """Columns of all of them."""
    crowd(number_of(rounds))
    return asked("SELECT count(*) FROM pg_attribute")


def backend_mb(schemas: list[str]) -> float:
    """MB that a server process has for itself after it read every table of these schemas."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as plain:
        for schema in schemas:
            rows = plain.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
            for (table,) in rows.fetchall():
                plain.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(schema, table)))
        return private_kib(plain.info.backend_pid) / 1024


@figure("footprint.backend_mb_none", ceiling=100)
def backend_mb_none(_: int) -> float:
    """MB of a server process that has touched no schema."""
    return backend_mb([])


@figure("footprint.backend_mb_1", ceiling=100)
def backend_mb_1(rounds: int) -> float:
    """MB of a server process that has read all tables of one schema."""
    return backend_mb([crowd(number_of(rounds))[0].schema_name])


@figure("footprint.backend_mb_50", ceiling=500)
def backend_mb_50(rounds: int) -> float:
    """MB of a server process that has read all tables of 50 schemas."""
    return backend_mb([namespace.schema_name for namespace in crowd(number_of(rounds))[:TOUCHED]])
