"""Links of many rows to others, set by two statements per field."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import prefetch_related_objects
from rest_framework.serializers import ManyRelatedField

from smartmodels.rest.bulk.items import Item

__all__ = ["change_links", "set_links", "show_with_links"]

_AT_ONCE = 500

Pair = tuple[Any, Any]


def show_with_links(serializer: Any, rows: Sequence[Any]) -> list[Any]:
    """Return what the rows look like; what they are linked with is read in one query per field."""
    links = [str(each.source) for each in serializer._readable_fields if isinstance(each, ManyRelatedField)]
    if links and rows:
        prefetch_related_objects(rows, *links)
    return [serializer.to_representation(row) for row in rows]


def set_links(model: Any, items: Iterable[Item]) -> None:
    """Let every row be linked with exactly the rows that were given for it."""
    wanting = list(items)
    for field in model._meta.many_to_many:
        wanted = {item.row.pk: item for item in wanting if field.name in item.given}
        if not wanted:
            continue
        if not field.remote_field.through._meta.auto_created or field.remote_field.symmetrical:
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
    _write(through, (source, target), gone, sorted(goal - there.keys(), key=str))


def change_links(through: Any, ends: Pair, add: Collection[Pair], drop: Collection[Pair]) -> None:
    """Add and drop links, each a pair of keys in the order of ``ends``; those that are there are left."""
    source, target = ends
    pairs = {*add, *drop}
    if not pairs:
        return
    held = {f"{source}__in": {key for key, _ in pairs}, f"{target}__in": {key for _, key in pairs}}
    links = through._default_manager.filter(**held).values_list("pk", source, target)
    there = {(key, to): pk for pk, key, to in links}
    gone = [there[pair] for pair in drop if pair in there]
    _write(through, ends, gone, [pair for pair in dict.fromkeys(add) if pair not in there])


def _write(through: Any, ends: Pair, gone: Collection[Any], new: Iterable[Pair]) -> None:
    if gone:
        through._default_manager.filter(pk__in=gone).delete()
    source, target = ends
    links = [through(**{source: key, target: to}) for key, to in new]
    # Somebody may link the same rows at the same time.
    through._default_manager.bulk_create(links, batch_size=_AT_ONCE, ignore_conflicts=True)
