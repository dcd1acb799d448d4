"""django-tenants' engine, made to follow the ContextVar of :mod:`smartmodels.context` (DESIGN T2)."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any, cast

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper
from django.db.backends.postgresql.operations import DatabaseOperations as PostgresOperations
from django_tenants.postgresql_backend.base import DatabaseWrapper as TenantsWrapper
from django_tenants.postgresql_backend.base import FakeTenant
from psycopg.pq import TransactionStatus

from smartmodels.conf import settings
from smartmodels.context import (
    PUBLIC_SCHEMA,
    current_namespace,
    current_operation,
    current_schema,
    current_work,
)
from smartmodels.tenancy.engine.cursor import ScopedCursor
from smartmodels.tenancy.engine.moments import adapters_of
from smartmodels.tenancy.engine.prelude import (
    OPERATION_SETTING,
    Prelude,
    is_read,
    is_transaction_control,
)
from smartmodels.tenancy.engine.refusals import RefusalWrapper
from smartmodels.tenancy.engine.session import Session, has_news, session_of

__all__ = ["DatabaseOperations", "DatabaseWrapper"]

# What the capture trigger reads where no operation is open: whether one is required (DEFAULT_REQUIRED).
_REFUSED = '{"refused": true}'
_SYSTEM = '{"kind": "system", "label": "system"}'


@lru_cache(maxsize=4096)
def search_path(schema: str) -> str:
    """Return the quoted ``search_path`` of a schema: itself, then the shared tables."""
    quoted = '"{}"'.format(schema.replace('"', '""'))
    return quoted if schema == PUBLIC_SCHEMA else f'{quoted}, "{PUBLIC_SCHEMA}"'


def _operation_setting() -> str:
    opened = current_operation()
    if opened is not None:
        return opened.as_setting
    return _REFUSED if settings().DEFAULT_REQUIRED else _SYSTEM


def _statement_timeout() -> int:
    """Return the milliseconds a statement of this kind of work may take; 0 leaves it to the server."""
    kind = current_work()
    return 0 if kind is None else round(settings().STATEMENT_TIMEOUTS.get(kind, 0) * 1000)


class DatabaseOperations(PostgresOperations):
    """Compile with our compilers, which refuse tenant models while no namespace is bound."""

    compiler_module = "smartmodels.tenancy.engine.compiler"


class DatabaseWrapper(TenantsWrapper):
    """A connection whose schema is the bound namespace's, looked up at every statement.

    django-tenants' setters (``set_tenant``, ``set_schema``) are refused: state on a connection outlives
    the code that set it. Bind with :func:`smartmodels.context.namespace_scope`.
    """

    ops_class = DatabaseOperations
    health_check_done: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Until there is a connection, the session is one that nobody has.
        self.session = Session()
        super().__init__(*args, **kwargs)

    @cached_property
    def wrap_database_errors(self) -> RefusalWrapper:
        """Return the translator of the driver's errors."""
        return RefusalWrapper(self)

    # Queries

    @property
    def schema_name(self) -> str:
        """Return the schema in which unqualified names are looked up first."""
        return current_schema() or PUBLIC_SCHEMA

    @schema_name.setter
    def schema_name(self, value: str | None) -> None:
        if value not in (None, PUBLIC_SCHEMA):
            raise ImproperlyConfigured(
                "The schema of a connection follows namespace_scope(); it cannot be set to another one."
            )

    @property
    def tenant(self) -> Any:
        """Return the bound namespace, or django-tenants' stand-in for the public schema."""
        return current_namespace() or FakeTenant(schema_name=PUBLIC_SCHEMA)

    @tenant.setter
    def tenant(self, value: Any) -> None:
        if value is not None:
            self.schema_name = value.schema_name

    def prelude_for(self, query: Any) -> Prelude | None:
        """Return what has to be sent before ``query``, or None when the session knows everything."""
        schema = current_schema() or PUBLIC_SCHEMA
        timeout, known = _statement_timeout(), self.session.known
        settled = schema == known.schema and timeout == known.timeout
        statement = query if isinstance(query, str) else "COPY"
        # What another operation left in force is replaced even for a read, which may call what writes.
        silent = known.operation == "" and is_read(statement)
        setting = "" if silent else _operation_setting()
        if settled and setting == known.operation:
            return None
        if is_transaction_control(statement):
            return None
        scope = "SET LOCAL" if settings().POOLER else "SET"
        statements = []
        if schema != known.schema:
            statements.append(f"{scope} search_path TO {search_path(schema)}; ")
        if timeout != known.timeout:
            statements.append(f"{scope} statement_timeout TO {timeout or 'DEFAULT'}; ")
        if setting != known.operation:
            # Backslashes mean themselves in a plain literal (standard_conforming_strings).
            literal = setting.replace("'", "''")
            statements.append(f"SELECT set_config('{OPERATION_SETTING}', '{literal}', true); ")
        return Prelude("".join(statements), len(statements), schema, setting, timeout)

    def confirm(self, prelude: Prelude) -> None:
        """Remember what the server has in force after ``prelude`` succeeded."""
        known, lasting = self.session.known, self.in_atomic_block or not self.autocommit
        keeps = lasting or not settings().POOLER
        known.schema = prelude.schema if keeps else None
        known.operation = prelude.operation if lasting else ""
        known.timeout = prelude.timeout if keeps else 0
        if not lasting:
            known.lasting = known.timeout
        if prelude.schema not in self.session.touched:
            self.session.touch(prelude.schema)

    @property
    def in_transaction(self) -> bool:
        """Tell whether what is sent now stays in one transaction with what is sent next."""
        return bool(self.in_atomic_block or not self.autocommit)

    # Connection life: whatever may have taken a SET back is forgotten

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection to a server that is still there: a pool may hold some to one that is gone."""
        connection = super().get_new_connection(conn_params)
        while self.pool and has_news(connection) and not self._answers(connection):
            self._discard(connection)
            connection = super().get_new_connection(conn_params)
        pending, self.session = self.session.touched, session_of(connection)
        self.session.touch(*pending)
        return connection

    @staticmethod
    def _answers(connection: Any) -> bool:
        try:
            connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _discard(self, connection: Any) -> None:
        """Give a connection back to the pool closed, so that the pool makes another one."""
        connection.close()
        connection._pool.putconn(connection)

    def close_if_unusable_or_obsolete(self) -> None:
        """Close a connection that failed, is too old, or has touched too many schemas.

        Django calls it where no work is under way: when a request begins and when it ends. In the middle of
        a transaction nothing is closed, whoever calls.
        """
        if self.in_atomic_block:
            return
        super().close_if_unusable_or_obsolete()
        if self.session.worn and self.connection is not None and not self.in_transaction:
            self.close()

    def close_if_health_check_failed(self) -> None:
        """Close a connection whose server hung up: asked before the first query of each request."""
        if self.connection is None or self.health_check_done or self.in_transaction:
            return
        super().close_if_health_check_failed()
        self.health_check_done = True
        if self.connection is not None and has_news(self.connection) and not self.is_usable():
            self.close()

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params["cursor_factory"] = ScopedCursor
        if self.timezone is not None:
            params["context"] = adapters_of(self.timezone)
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        if name is not None and settings().POOLER and not self.in_transaction:
            # The next FETCH may reach another server process, which knows no cursor of ours.
            name = None
        if name is not None:
            # A named cursor takes one statement only, so the path is settled ahead of it.
            with self.create_cursor() as cursor:
                cursor.settle("SELECT")
        cursor = PostgresWrapper.create_cursor(self, name)
        if isinstance(cursor, ScopedCursor):
            cursor.wrapper = self
        return cursor

    _cursor = cast(Any, PostgresWrapper)._cursor

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)
        # No transaction is open at this point, and an operation is in force for one transaction.
        self.session.known.operation = ""

    def _commit(self) -> Any:
        known, survives = self.session.known, self._survives_commit()
        after = replace(known)
        after.commit() if survives else after.roll_back()
        # Until it is known to have succeeded, nothing is.
        known.forget()
        result = super()._commit()
        self.session.known = after
        return result

    def _survives_commit(self) -> bool:
        """Tell whether a SET of this transaction holds after COMMIT.

        PostgreSQL answers COMMIT of a failed transaction by rolling back, which is no error.
        """
        if settings().POOLER or self.connection is None:
            return False
        return bool(self.connection.info.transaction_status != TransactionStatus.INERROR)

    def _rollback(self) -> Any:
        self.session.known.roll_back()
        return super()._rollback()

    def _savepoint_rollback(self, sid: str) -> None:
        try:
            super()._savepoint_rollback(sid)
        finally:
            self.session.known.forget()

    def _close(self) -> Any:
        session, self.session = self.session, Session()
        # A pool hands the connection on after a rollback.
        session.known.roll_back()
        if self.connection is not None and session.worn and self.pool:
            self.connection.close()
        return super()._close()
