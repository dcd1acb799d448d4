"""Querysets remember the namespace they come from and refuse to be used in another (DESIGN T3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db import models

from smartmodels.context import current_schema
from smartmodels.querysets.across import across
from smartmodels.querysets.frames import FrameMethods
from smartmodels.querysets.stamps import check_instance, check_values, refuse_other_namespace

__all__ = ["ScopedQuerySet"]

M = TypeVar("M", bound=models.Model)


class ScopedRawQuerySet(models.query.RawQuerySet):  # type: ignore[type-arg]
    """The rows of an SQL statement, which belong to the namespace in which it was first used."""

    model: Any
    bound_schema: str | None = None
    _prefetch_related_lookups: Any

    def _stamp(self) -> None:
        schema = current_schema()
        if self.bound_schema is None:
            self.bound_schema = schema
        elif self.bound_schema != schema:
            refuse_other_namespace(f"This SQL statement on {self.model._meta.label}")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bound_schema = current_schema()

    def _fetch_all(self) -> None:
        self._stamp()
        super()._fetch_all()  # type: ignore[misc]

    def iterator(self) -> Iterator[Any]:
        """Iterate without caching; going on in another namespace than the one begun in is refused."""
        rows = super().iterator()
        while True:
            self._stamp()
            try:
                row = next(rows)
            except StopIteration:
                return
            yield row


class ScopedQuerySet(FrameMethods, models.QuerySet[M]):
    """A queryset stamped with the namespace bound when it was made.

    One made while nothing was bound (a class attribute of a view, a form field) takes the namespace of
    its first use; its cached rows then stay with that namespace.
    """

    query: Any
    _hints: Any
    _prefetch_related_lookups: Any

    def __init__(self, model: Any = None, query: Any = None, using: Any = None, hints: Any = None) -> None:
        super().__init__(model=model, query=query, using=using, hints=hints)
        if getattr(self.query, "bound_schema", None) is None:
            self.query.bound_schema = current_schema()
        self._check_hints()

    # Evaluation

    def _stamp(self) -> None:
        """Bind this queryset to the current namespace, or refuse if it is bound to another."""
        schema = current_schema()
        stamp = getattr(self.query, "bound_schema", None)
        if stamp is None:
            self.query.bound_schema = schema
        elif stamp != schema:
            refuse_other_namespace(f"This queryset of {self.model._meta.label}")

    def _fetch_all(self) -> None:
        if not self._reads_many:
            self._stamp()
        super()._fetch_all()

    def __getitem__(self, key: Any) -> Any:
        if self._result_cache is not None and not self._reads_many:
            self._stamp()
        return super().__getitem__(key)

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        """Iterate without caching; going on in another namespace than the one begun in is refused."""
        if self._reads_many:
            yield from super().iterator(chunk_size)
            return
        self._stamp()
        rows = super().iterator(chunk_size)
        while True:
            self._stamp()
            try:
                row = next(rows)
            except StopIteration:
                return
            yield row

    async def aiterator(self, chunk_size: int = 2000) -> AsyncIterator[M]:
        """Iterate as :meth:`iterator`, from async code and under the same rule."""
        rows = super().aiterator(chunk_size)
        while True:
            if not self._reads_many:
                self._stamp()
            try:
                row = await anext(rows)
            except StopAsyncIteration:
                return
            yield row

    def raw(self, raw_query: Any, params: Any = (), translations: Any = None, using: Any = None) -> Any:
        """Return the rows of an SQL statement, stamped like those of a queryset."""
        rows = ScopedRawQuerySet(
            raw_query, model=self.model, params=params, translations=translations, using=using or self.db
        )
        rows._prefetch_related_lookups = self._prefetch_related_lookups[:]
        return rows

    def contains(self, obj: models.Model) -> bool:
        """Tell whether the queryset has the row; one of another namespace is refused."""
        check_instance(obj)
        return super().contains(obj)

    @property
    def _reads_many(self) -> bool:
        return getattr(self.query, "many_schemas", None) is not None

    # Reading many namespaces

    def across(self, namespaces: Iterable[Any], keys: Mapping[str, Sequence[Any]] | None = None) -> Any:
        """Return this queryset over the rows of several namespaces: see :func:`querysets.across.across`."""
        return across(self, namespaces, keys)

    # Building

    def _check_hints(self) -> None:
        instance = (self._hints or {}).get("instance")
        if isinstance(instance, models.Model):
            check_instance(instance)

    def _add_hints(self, **hints: Any) -> None:
        super()._add_hints(**hints)  # type: ignore[misc]
        self._check_hints()

    def _merge_sanity_check(self, other: Any) -> None:
        made_in = (getattr(each.query, "bound_schema", None) for each in (self, other))
        if len({schema for schema in made_in if schema is not None}) > 1:
            refuse_other_namespace(f"One of these two querysets of {self.model._meta.label}")
        super()._merge_sanity_check(other)  # type: ignore[misc]

    def _filter_or_exclude_inplace(self, negate: bool, args: Any, kwargs: Any) -> None:
        check_values(args)
        check_values(kwargs.values())
        super()._filter_or_exclude_inplace(negate, args, kwargs)  # type: ignore[misc]

    def _annotate(self, args: Any, kwargs: Any, select: bool = True) -> Any:
        check_values(args)
        check_values(kwargs.values())
        return super()._annotate(args, kwargs, select)  # type: ignore[misc]

    # Writing

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[M]:
        """Insert many rows; rows of another namespace are refused."""
        objs = list(objs)
        check_values(objs)
        return super().bulk_create(objs, *args, **kwargs)

    def bulk_update(self, objs: Any, *args: Any, **kwargs: Any) -> int:
        """Update many rows; rows of another namespace are refused."""
        objs = tuple(objs)
        check_values(objs)
        return super().bulk_update(objs, *args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        """Update all rows of the queryset; values of another namespace are refused."""
        check_values(kwargs.values())
        return super().update(**kwargs)
