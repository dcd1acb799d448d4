"""One queryset over the rows of several namespaces: ``Study.objects.across([alpha, beta])``.

Filters, joins, annotations, aggregates, windows, ordering and slices work as in one namespace. Each row
sees only its own namespace: joins and subqueries never cross from one to another. What stands outside of
rows, such as ordering, aggregates and slices, runs over all of them together. It only reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby, islice
from typing import Any, NoReturn

from django.apps import apps
from django.db import models
from django.db.models.query import ModelIterable, prefetch_related_objects

from smartmodels.conf import settings
from smartmodels.context import namespace_scope
from smartmodels.context.many import ManySchemas, home_of
from smartmodels.exceptions import InvalidInput, ManySchemasReadOnly, ManySchemasUnsupported
from smartmodels.querysets.stamps import stamp_instance

__all__ = ["across"]

_Instances: Any = ModelIterable  # generic in the stubs alone


def across(queryset: Any, namespaces: Iterable[Any], keys: Mapping[str, Sequence[Any]] | None = None) -> Any:
    """Return ``queryset`` over the rows of all ``namespaces``, whatever is bound.

    The annotation ``home`` is the slug of the namespace a row lives in; instances belong to their home and
    cannot be saved elsewhere. A subquery reads the namespace of its outer row, unless it was made with
    ``across`` itself. No namespaces give no rows. ``keys`` names the rows that count, by the slug of their
    home; all count of a home that is not named. Raises InvalidInput for more namespaces than one
    statement may touch (``SCHEMAS_PER_STATEMENT``) and for anything that is not a saved namespace, and
    ManySchemasUnsupported for a queryset that was sliced, combined or turned into values already.
    """
    chosen = _checked(namespaces)
    _check_shape(queryset)
    many = queryset._chain()
    base: Any = type(queryset)
    many.__class__ = _reading_many(base)
    many._namespaces = {namespace.slug: namespace for namespace in chosen}
    many._iterable_class = _HomeIterable
    query = many.query
    query.many_schemas = ManySchemas(
        schemas=tuple(namespace.schema_name for namespace in chosen),
        homes=tuple(namespace.slug for namespace in chosen),
        keys=None if keys is None else tuple(_listed(keys.get(namespace.slug)) for namespace in chosen),
    )
    query.add_annotation(home_of(query.get_initial_alias()), "home")
    return many


def _listed(keys: Sequence[Any] | None) -> list[Any] | None:
    return None if keys is None else list(keys)


def _checked(namespaces: Iterable[Any]) -> list[Any]:
    model = apps.get_model(settings().NAMESPACE_MODEL)
    chosen: dict[Any, Any] = {}
    for namespace in namespaces:
        if not isinstance(namespace, model) or namespace._state.adding:
            raise InvalidInput(f"{namespace!r} is no saved namespace, so it has no rows to read.")
        chosen[namespace.pk] = namespace
    limit = settings().SCHEMAS_PER_STATEMENT
    if len(chosen) > limit:
        raise InvalidInput(
            f"One statement may touch {limit} namespaces, not {len(chosen)}: read them in chunks, "
            "or as a report.",
            limit=limit,
        )
    return list(chosen.values())


def _check_shape(queryset: Any) -> None:
    query = queryset.query
    if query.is_sliced or query.combinator or queryset._fields is not None or query.group_by is not None:
        raise ManySchemasUnsupported(
            "A queryset that was sliced, combined, aggregated or turned into values cannot change "
            "what it reads: call across() first."
        )


class _HomeIterable(_Instances):  # type: ignore[misc]
    """Instances that belong to their home, with what select_related brought along."""

    def __iter__(self) -> Iterator[Any]:
        namespaces = self.queryset._namespaces
        for row in super().__iter__():
            _stamp(row, namespaces[row.home].schema_name)
            yield row


def _stamp(row: models.Model, schema: str) -> None:
    if hasattr(row._state, "schema"):
        stamp_instance(row, schema)
    for related in row._state.fields_cache.values():
        if isinstance(related, models.Model):
            _stamp(related, schema)


@cache
def _reading_many(base: Any) -> Any:
    """Return the class of the same querysets that read many namespaces and write to none."""
    if issubclass(base, _ReadingMany):
        return base
    return type(base.__name__, (_ReadingMany, base), {"__module__": base.__module__})


def _refused(self: Any, *_: Any, **__: Any) -> NoReturn:
    """Refuse: rows of many namespaces can only be read."""
    raise ManySchemasReadOnly(
        f"A queryset of {self.model._meta.label} over many namespaces only reads: "
        "write inside the namespace_scope of each row's home."
    )


class _ReadingMany:
    """What a queryset over many namespaces does otherwise."""

    _namespaces: dict[str, Any]
    _prefetch_related_lookups: Any
    _result_cache: Any
    model: Any

    create = acreate = get_or_create = aget_or_create = _refused
    update_or_create = aupdate_or_create = _refused
    bulk_create = abulk_create = bulk_update = abulk_update = _refused
    update = aupdate = _update = delete = adelete = _raw_delete = _refused
    undelete = purge = select_for_update = _refused

    def raw(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: an SQL statement reads the bound namespace, whatever the queryset says."""
        raise ManySchemasUnsupported(
            "Raw SQL cannot be read over many schemas: express it with the ORM, or run it in each namespace."
        )

    def _clone(self) -> Any:
        clone = super()._clone()  # type: ignore[misc]
        clone._namespaces = self._namespaces
        return clone

    def _prefetch_related_objects(self) -> None:
        """Fetch related rows inside each row's home: the relations of one row never leave it."""
        self._prefetch(self._result_cache)
        self._prefetch_done = True

    def _prefetch(self, rows: list[Any]) -> None:
        by_home = sorted(rows, key=lambda row: row.home)
        for home, group in groupby(by_home, key=lambda row: row.home):
            with namespace_scope(self._namespaces[home]):
                prefetch_related_objects(list(group), *self._prefetch_related_lookups)

    def iterator(self, chunk_size: int | None = None) -> Iterator[Any]:
        """Iterate without caching, in chunks where related rows are prefetched."""
        lookups = self._prefetch_related_lookups
        if not lookups or chunk_size is None:
            yield from super().iterator(chunk_size)  # type: ignore[misc]
            return
        rows = self.prefetch_related(None).iterator(chunk_size)  # type: ignore[attr-defined]
        while chunk := list(islice(rows, chunk_size)):
            self._prefetch(chunk)
            yield from chunk
