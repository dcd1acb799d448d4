"""A cursor that sends the prelude of its connection in the same message as the statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from django.db.backends.postgresql.base import Cursor
from psycopg import DatabaseError

from smartmodels.conf import settings
from smartmodels.context import current_operation
from smartmodels.tenancy.engine.prelude import Prelude, can_share_message, is_write
from smartmodels.tenancy.engine.refusals import refusal_of

if TYPE_CHECKING:
    from smartmodels.tenancy.engine.base import DatabaseWrapper

__all__ = ["ScopedCursor"]


_DjangoCursor: Any = Cursor  # its stubs do not know that it is psycopg's


class ScopedCursor(_DjangoCursor):
    """Django's client-side binding cursor, bound to the wrapper that knows the current namespace."""

    wrapper: DatabaseWrapper | None = None

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> ScopedCursor:
        """Execute ``query`` in the current namespace; results are those of the query alone."""
        wrapper = self.wrapper
        prelude = wrapper.prelude_for(query) if wrapper is not None else None
        if wrapper is None or prelude is None:
            super().execute(query, params, **kwargs)
            return self
        if isinstance(query, str) and can_share_message(query):
            self._execute_together(wrapper, prelude, query, params, **kwargs)
            return self
        with self._settled(query):
            super().execute(query, params, **kwargs)
        return self

    def executemany(self, query: Any, params_seq: Any, **kwargs: Any) -> None:
        """Execute for each set of parameters; the prelude goes ahead, since pipelines take one statement."""
        with self._settled(query):
            super().executemany(query, params_seq, **kwargs)

    def stream(self, query: Any, params: Any = None, **kwargs: Any) -> Iterator[Any]:
        """Yield rows as they arrive, from the namespace that is bound when the first one is asked for."""
        with self._settled(query):
            yield from super().stream(query, params, **kwargs)

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **kwargs: Any) -> Iterator[Any]:
        """COPY in the current namespace; what our triggers refuse is an error of the library."""
        try:
            with self._settled(statement), super().copy(statement, params, **kwargs) as copy:
                yield copy
        except DatabaseError as error:
            # Django translates the errors of its own methods, of which this is none.
            if (refusal := refusal_of(error)) is None:
                raise
            raise refusal from error

    def settle(self, query: Any) -> None:
        """Send now what has to be sent before ``query``, which another cursor will send."""
        if self.wrapper is not None and (prelude := self.wrapper.prelude_for(query)) is not None:
            self._send(self.wrapper, prelude)

    @contextmanager
    def _settled(self, query: Any) -> Iterator[None]:
        """Settle for a statement that travels alone, in one transaction with it where that matters.

        It does behind a pooler, which may otherwise part the two, and for a write, whose operation is
        said for one transaction.
        """
        wrapper = self.wrapper
        if wrapper is None or wrapper.in_transaction:
            self.settle(query)
            yield
            return
        statement = query if isinstance(query, str) else query.as_string(self)
        together = settings().POOLER or (current_operation() is not None and is_write(statement))
        try:
            with self.connection.transaction() if together else nullcontext():
                self.settle(query)
                yield
        except BaseException:
            # A transaction that failed took the SET back as well.
            wrapper.session.known.forget()
            raise

    def _send(self, wrapper: DatabaseWrapper, prelude: Prelude) -> None:
        try:
            super().execute(prelude.sql)
        except BaseException:
            wrapper.session.known.forget()
            raise
        wrapper.confirm(prelude)

    def _execute_together(
        self, wrapper: DatabaseWrapper, prelude: Prelude, query: str, params: Any, **kwargs: Any
    ) -> None:
        try:
            # The driver remembers how it parsed a statement: a prelude in it would make it another one with
            # every namespace.
            rendered = query if params is None else self.mogrify(query, params)
            super().execute(prelude.sql + rendered, **kwargs)
        except BaseException:
            # The message is one transaction: its failure takes the SET back as well.
            wrapper.session.known.forget()
            raise
        wrapper.confirm(prelude)
        for _ in range(prelude.statements):
            self.nextset()
