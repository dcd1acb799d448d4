"""What goes when rows are deleted, what protects it, and what stays with a link cut."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from smartmodels.context import require_namespace
from smartmodels.exceptions import ProtectedRows
from smartmodels.softdelete.finding import Seed, lock_living
from smartmodels.softdelete.relations import Fate, Link, Model, groups_below, links_above, links_below
from smartmodels.tenancy.placement import is_tenant_model

__all__ = ["Collected", "as_keys", "collect", "refuse_protected"]

_SHOWN = 100


@dataclass(slots=True)
class Collected:
    """Keys by model: ``going`` are deleted, ``staying`` have a link to one of them that is cut."""

    going: dict[Model, set[Any]] = field(default_factory=dict)
    staying: dict[Model, set[Any]] = field(default_factory=dict)

    def size(self) -> int:
        """Return how many rows are locked."""
        return sum(map(len, (*self.going.values(), *self.staying.values())))


def as_keys(model: Model, keys: Iterable[Any]) -> set[Any]:
    """Return the keys as Python values of the key's type.

    Raises NamespaceNotBound, as every use of a tenant's rows does outside of a namespace.
    """
    if is_tenant_model(model):
        require_namespace()
    return {model._meta.pk.to_python(key) for key in keys}


def collect(model: Model, keys: Iterable[Any], using: str) -> Collected:
    """Find, and lock, the living rows that go when ``keys`` of ``model`` go, and those that lose a link.

    Rows are locked model by model, parents first, and within a model in the order of their keys, so that
    deletions wait for one another instead of blocking one another.
    """
    root = model._meta.concrete_model
    roots = as_keys(root, keys)
    found = Collected()
    for group in groups_below(root):
        size = -1
        while size < found.size():
            size = found.size()
            for current in group:
                _lock(current, roots if current is root else set(), found, using)
            if not _points_at_itself(group):
                break
    return found


def _points_at_itself(group: tuple[Model, ...]) -> bool:
    """Tell whether what is found may lead to more in the group: then it is asked until nothing is added."""
    return any(
        link.parent in group and link.fate in (Fate.GOES, Fate.CUT)
        for current in group
        for link in links_above(current)
    )


def _lock(model: Model, roots: set[Any], found: Collected, using: str) -> None:
    going = [Seed(model._meta.pk.column, roots)] if roots else []
    held = {}
    for link in links_above(model):
        keys = found.going.get(link.parent)
        if not keys or link.parent is model:
            continue
        if link.fate is Fate.GOES:
            going.append(Seed(link.field.column, keys))
        elif link.fate is Fate.CUT:
            held[link.field.column] = keys
    if not going and not held:
        return
    goes, stays = lock_living(model, going, held, using)
    for keys, into in ((goes, found.going), (stays, found.staying)):
        if keys:
            into[model] = keys


def refuse_protected(found: Collected, using: str) -> None:
    """Raise ProtectedRows when living rows forbid it.

    As in Django, PROTECT always does, and RESTRICT unless the row that restricts goes as well.
    """
    holding: dict[Model, set[Any]] = {}
    for model, keys in found.going.items():
        for link in links_below(model):
            if link.fate in (Fate.PROTECTS, Fate.RESTRICTS) and (rows := _holders(link, keys, found, using)):
                holding.setdefault(link.child, set()).update(rows)
    if not holding:
        return
    named = [f"{len(rows)} {current._meta.verbose_name_plural}" for current, rows in holding.items()]
    first, rows = next(iter(holding.items()))
    raise ProtectedRows(
        f"{' and '.join(named)} still point here and protect it: delete or re-point them first.",
        model=first._meta.label,
        keys=sorted(map(str, rows))[:_SHOWN],
        rows={current._meta.label: sorted(map(str, pks))[:_SHOWN] for current, pks in holding.items()},
    )


def _holders(link: Link, keys: set[Any], found: Collected, using: str) -> set[Any]:
    rows = link.child.all_objects.using(using).filter(deleted_at__isnull=True)
    holders = set(rows.filter(**{f"{link.field.name}__in": keys}).values_list("pk", flat=True))
    return holders - found.going.get(link.child, set()) if link.fate is Fate.RESTRICTS else holders
