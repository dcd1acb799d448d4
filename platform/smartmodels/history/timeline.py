"""Read history: the versions of a row and what changed between two of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from django.db import models
from django.db.models import OuterRef, Q, Subquery

from smartmodels.exceptions import RowNotFound
from smartmodels.history.plans import FieldChange
from smartmodels.history.states import same
from smartmodels.history.tracking import revertible_fields, tracked_links

__all__ = [
    "FieldChange",
    "changes_by_version",
    "diff",
    "first_values",
    "number_before",
    "revertible_fields",
    "timeline",
    "version_at",
    "version_before",
    "version_of",
    "with_changes",
]

Links = dict[tuple[str, int], frozenset[Any]]


def timeline(model: type[models.Model], pk: Any) -> models.QuerySet[Any]:
    """Return the history rows of one row, newest first; deleted and purged rows have one, too."""
    rows: models.QuerySet[Any] = model.history.filter(**{model._meta.pk.attname: pk})  # type: ignore[attr-defined]
    return rows.order_by("-history_date", "-history_id")


def version_of(model: type[models.Model], pk: Any, version: Any, *, among: Any = None) -> Any:
    """Return one version of a row by its number (``history_id``); raise RowNotFound.

    The number must belong to this very row: another row's version is not found, nor one that is not
    ``among`` those given.
    """
    try:
        # Through text, since int() would make a version 2 of 2.5.
        versions = timeline(model, pk) if among is None else among
        found = versions.filter(history_id=int(str(version))).first()
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None:
        raise RowNotFound(f"This {model._meta.verbose_name} has no version {str(version)[:40]!r}.")
    return found


def version_before(version: Any, *, among: Any = None) -> Any | None:
    """Return the version before this one, of the same row, ``among`` those given; None for a first one."""
    model = version.instance_type
    earlier = Q(history_date__lt=version.history_date)
    earlier |= Q(history_date=version.history_date, history_id__lt=version.history_id)
    versions = timeline(model, getattr(version, model._meta.pk.attname)) if among is None else among
    return versions.filter(earlier).first()


def version_at(model: type[models.Model], pk: Any, moment: Any) -> Any | None:
    """Return the version that was in force at a moment, or None if the row was not there yet."""
    return timeline(model, pk).filter(history_date__lte=moment).first()


def first_values(version: Any) -> list[FieldChange]:
    """Return every value that people set in a version as a change from nothing: that of a row that is new."""
    fields = revertible_fields(version.instance_type)
    links = tracked_links(version.instance_type)
    keys = _links(version.instance_type, [version])
    return [
        *(
            FieldChange(each.name, str(each.verbose_name), None, getattr(version, each.attname))
            for each in fields
        ),
        *(
            FieldChange(
                each.name, each.label, None, sorted(keys.get((each.name, version.history_id), ()), key=str)
            )
            for each in links
        ),
    ]


def _state(version: Any) -> str:
    if version.history_type == "-" and (version.deleted_at is None or version.action == "purge"):
        return "purged"
    return "living" if version.deleted_at is None else "deleted"


def _links(model: Any, versions: Iterable[Any]) -> Links:
    """Return the keys of what each version was linked to: one query per tracked many-to-many field."""
    numbers = [version.history_id for version in versions]
    found: dict[tuple[str, int], set[Any]] = {}
    for link in tracked_links(model):
        target = link.history._meta.get_field(link.target_field).attname
        rows = link.history._base_manager.filter(history_id__in=numbers)
        for number, key in rows.values_list("history_id", target):
            found.setdefault((link.name, number), set()).add(key)
    return {place: frozenset(keys) for place, keys in found.items()}


def _changes(newer: Any, older: Any, links: Links) -> list[FieldChange]:
    model = newer.instance_type
    changes = []
    if _state(older) != _state(newer):
        changes.append(FieldChange("state", "state", _state(older), _state(newer)))
    for field in revertible_fields(model):
        old, new = (getattr(version, field.attname) for version in (older, newer))
        if not same(old, new):
            changes.append(FieldChange(field.name, str(field.verbose_name), old, new))
    for link in tracked_links(model):
        old, new = (links.get((link.name, each.history_id), frozenset()) for each in (older, newer))
        if old != new:
            listed = (sorted(keys, key=str) for keys in (old, new))
            changes.append(FieldChange(link.name, link.label, *listed))
    if older.owner_id != newer.owner_id:
        changes.append(FieldChange("owner", "owner", older.owner_id, newer.owner_id))
    return changes


def diff(newer: Any, older: Any | None) -> list[FieldChange]:
    """Return what changed from the version ``older`` to ``newer``, in the order of the model's fields.

    A deletion or restoration is a change of ``state`` (``living``, ``deleted``, ``purged``); links are
    sorted keys. Without an older version there is nothing to compare with, and the list is empty.
    """
    if older is None:
        return []
    return _changes(newer, older, _links(newer.instance_type, (newer, older)))


def with_changes(versions: list[Any]) -> list[tuple[Any, list[FieldChange]]]:
    """Pair each version with what it changed against the next older one in ``versions`` (newest first).

    The oldest of the list is paired with nothing, so ask for one version more than is shown. One query
    per tracked many-to-many field, however many versions.
    """
    if not versions:
        return []
    links = _links(versions[0].instance_type, versions)
    pairs = [(newer, _changes(newer, older, links)) for newer, older in pairwise(versions)]
    return [*pairs, *((oldest, []) for oldest in versions[-1:])]


def number_before(model: type[models.Model]) -> Subquery:
    """Return an expression for history rows: the number of the version before, of the same row."""
    key = model._meta.pk.attname
    earlier = Q(history_date__lt=OuterRef("history_date"))
    earlier |= Q(history_date=OuterRef("history_date"), history_id__lt=OuterRef("history_id"))
    rows = model.history.filter(earlier, **{key: OuterRef(key)})  # type: ignore[attr-defined]
    return Subquery(rows.order_by("-history_date", "-history_id").values("history_id")[:1])


def changes_by_version(model: Any, versions: Iterable[Any]) -> dict[int, list[FieldChange]]:
    """Return what each version changed, by its number; versions may be those of many rows of the model.

    They bear ``number_before``, as annotated by :func:`number_before`. Takes one query, and one per
    tracked many-to-many field; a first version changed nothing.
    """
    before = {each.history_id: each.number_before for each in versions if each.number_before is not None}
    if not before:
        return {}
    newer = {each.history_id: each for each in versions if each.history_id in before}
    older = model.history.in_bulk(before.values())
    links = _links(model, {**older, **newer}.values())
    return {
        number: _changes(newer[number], older[earlier], links)
        for number, earlier in before.items()
        if earlier in older
    }
