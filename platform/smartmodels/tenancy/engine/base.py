"""django-tenants' engine, made to follow the ContextVar of :mod:`smartmodels.context` (DESIGN T2)."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper
from django.db.backends.postgresql.operations import DatabaseOperations as PostgresOperations
from django_tenants.postgresql_backend.base import DatabaseWrapper as TenantsWrapper
from django_tenants.postgresql_backend.base import FakeTenant

from smartmodels.conf import settings
from smartmodels.context import PUBLIC_SCHEMA, current_namespace, current_operation, current_schema
from smartmodels.tenancy.engine.cursor import ScopedCursor
from smartmodels.tenancy.engine.prelude import (
    OPERATION_SETTING,
    Known,
    Prelude,
    is_read,
    is_transaction_control,
)

__all__ = ["DatabaseOperations", "DatabaseWrapper"]


def search_path(schema: str) -> str:
    """Return the quoted ``search_path`` of a schema: itself, then the shared tables."""
    quoted = '"{}"'.format(schema.replace('"', '""'))
    return quoted if schema == PUBLIC_SCHEMA else f'{quoted}, "{PUBLIC_SCHEMA}"'


class DatabaseOperations(PostgresOperations):
    """Compile with our compilers, which refuse tenant models while no namespace is bound."""

    compiler_module = "smartmodels.tenancy.engine.compiler"


class DatabaseWrapper(TenantsWrapper):
    """A connection whose schema is the bound namespace's, looked up at every statement.

    django-tenants' setters (``set_tenant``, ``set_schema``) are refused: state on a connection outlives
    the code that set it. Bind with :func:`smartmodels.context.namespace_scope`.
    """

    ops_class = DatabaseOperations

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.known = Known()
        super().__init__(*args, **kwargs)

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
        statement = query if isinstance(query, str) else "COPY"
        if is_transaction_control(statement):
            return None
        in_transaction = self.in_atomic_block or not self.autocommit
        pooled = settings().POOLER
        path = search_path(self.schema_name)
        statements: list[str] = []
        if path != self.known.path:
            local = "LOCAL " if pooled else ""
            statements.append(f"SET {local}search_path TO {path}")
        operation = current_operation()
        setting = operation.as_setting if operation is not None else ""
        if setting != (self.known.operation or "") and not is_read(statement):
            literal = setting.replace("'", "''")
            # Backslashes mean themselves in a plain literal (standard_conforming_strings).
            statements.append(f"SELECT set_config('{OPERATION_SETTING}', '{literal}', true)")
        else:
            setting = self.known.operation or ""
        if not statements:
            return None
        return Prelude(tuple(statements), path, setting, transient=not in_transaction)

    def confirm(self, prelude: Prelude) -> None:
        """Remember what the server has in force after ``prelude`` succeeded."""
        if prelude.transient:
            self.known.operation = None
            self.known.path = None if settings().POOLER else prelude.path
        else:
            self.known.path = prelude.path
            self.known.operation = prelude.operation

    # Connection life: whatever may have taken a SET back is forgotten

    def connect(self) -> None:
        self.known.forget()
        super().connect()

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params["cursor_factory"] = ScopedCursor
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        if name is not None:
            # A named cursor takes one statement only, so the path is settled ahead of it.
            with self.create_cursor() as cursor:
                cursor._settle("SELECT")
        cursor = PostgresWrapper.create_cursor(self, name)
        if isinstance(cursor, ScopedCursor):
            cursor.wrapper = self
        return cursor

    def _cursor(self, name: str | None = None) -> Any:
        return cast(Any, PostgresWrapper)._cursor(self, name)

    def _commit(self) -> Any:
        try:
            return super()._commit()
        finally:
            self.known.operation = None
            if settings().POOLER:
                self.known.path = None

    def _rollback(self) -> Any:
        self.known.forget()
        return super()._rollback()

    def _savepoint_rollback(self, sid: str) -> None:
        try:
            super()._savepoint_rollback(sid)
        finally:
            self.known.forget()

    def _close(self) -> Any:
        self.known.forget()
        return super()._close()
