"""What kind of statement it is decides what may travel with it."""

import pytest

from smartmodels.tenancy.engine.prelude import (
    Known,
    can_share_message,
    is_read,
    is_transaction_control,
)


@pytest.mark.parametrize(
    "statement",
    ["BEGIN", "begin", "COMMIT", "ROLLBACK", 'ROLLBACK TO SAVEPOINT "s1"', 'SAVEPOINT "s1"',
     'RELEASE SAVEPOINT "s1"', "START TRANSACTION", "END", "ABORT;", "  COMMIT ;", "\n\tROLLBACK"],
)  # fmt: skip
def test_transaction_control__by_any_word__stands_alone(statement: str) -> None:
    """It must also work in a transaction that has failed."""
    assert is_transaction_control(statement)


@pytest.mark.parametrize(
    "statement",
    ["SELECT 1", "", " ", "ENDLESS", "BEGINNING", "COMMITTED", 'INSERT INTO "begin" VALUES (1)', "-- COMMIT"],
)
def test_transaction_control__by_no_such_word__is_none(statement: str) -> None:
    """Only the whole first word counts."""
    assert not is_transaction_control(statement)


@pytest.mark.parametrize(
    "statement",
    ["SELECT 1", "select 1", "(SELECT 1) UNION (SELECT 2)", "\n SELECT 1", "SHOW x", "EXPLAIN SELECT 1"],
)
def test_read__by_its_first_word__needs_no_operation(statement: str) -> None:
    """History captures nothing of it."""
    assert is_read(statement)


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t",
     "WITH x AS (DELETE FROM t RETURNING a) SELECT a FROM x",
     "TRUNCATE t", "COPY t FROM STDIN", "MERGE INTO t", "SELECTION", "", "/* SELECT */ DELETE FROM t"],
)  # fmt: skip
def test_read__that_may_write__is_none(statement: str) -> None:
    """In doubt the operation is said."""
    assert not is_read(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "INSERT INTO t VALUES (1)",
        "update t set a = 1",
        "DELETE FROM t",
        "WITH x AS (SELECT 1) TABLE x",
    ],
)
def test_data_statement__of_any_kind__shares_a_message(statement: str) -> None:
    """One round trip for both."""
    assert can_share_message(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE DATABASE x",
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "VACUUM",
        "COPY t TO STDOUT",
        "LISTEN x",
        "",
    ],
)
def test_utility_statement__of_any_kind__travels_alone(statement: str) -> None:
    """Several statements in one message are a transaction, which these refuse."""
    assert not can_share_message(statement)


def test_known__at_first__is_no_schema_and_no_operation() -> None:
    """A new connection has no operation in force, and a path that nobody knows."""
    assert Known() == Known(schema=None, operation="")


def test_known__after_an_error__is_nothing() -> None:
    """Both may have been taken back or not."""
    known = Known(schema="s", operation="o")
    known.forget()
    assert (known.schema, known.operation) == (None, None)


def test_known__after_a_rollback__is_no_operation() -> None:
    """Operations are set for one transaction."""
    known = Known(schema="s", operation="o")
    known.roll_back()
    assert (known.schema, known.operation) == (None, "")
