"""Links of many rows to others, set by two statements per field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smartmodels.rest.bulk.items import Item

__all__ = ["set_links"]

_AT_ONCE = 500


def set_links(model: Any, items: Iterable[Item]) -> None:
    """Let every row be linked with exactly the rows that were given for it."""
    wanting = list(items)
    for field in model._meta.many_to_many:
        wanted = {item.row.pk: item for item in wanting if field.name in item.given}
        if not wanted:
            continue
        if not field.remote_field.through._meta.auto_created:
            for item in wanted.values():
                getattr(item.row, field.name).set(item.given[field.name])
            continue
        _set(field, wanted)


def _set(field: Any, wanted: dict[Any, Item]) -> None:
    through = field.remote_field.through
    source = through._meta.get_field(field.m2m_field_name()).attname
    target = through._meta.get_field(field.m2m_reverse_field_name()).attname
    goal = {(key, row.pk) for key, item in wanted.items() for row in dict.fromkeys(item.given[field.name])}
    links = through._default_manager.filter(**{f"{source}__in": list(wanted)})
    there = {(key, to): pk for pk, key, to in links.values_list("pk", source, target)}
    gone = [pk for link, pk in there.items() if link not in goal]
    if gone:
        through._default_manager.filter(pk__in=gone).delete()
    new = [through(**{source: key, target: to}) for key, to in sorted(goal - there.keys(), key=str)]
    through._default_manager.bulk_create(new, batch_size=_AT_ONCE)
