"""What speaks against a plan: its surroundings are read once, then judged as often as the plan changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db.models import CASCADE, DO_NOTHING, PROTECT, RESTRICT

from smartmodels.history.conditions import UniqueGroup, unique_groups
from smartmodels.history.planning import Rules, no_permission
from smartmodels.history.plans import Conflict, Facts, RowPlan
from smartmodels.history.states import Existence
from smartmodels.history.touched import chunks, live_states, newest_versions
from smartmodels.history.tracking import tracked_links

__all__ = ["gather", "judged"]

Place = tuple[Any, Any]


# Foreign keys


def _bound(field: Any) -> bool:
    """Tell whether a foreign key has to point at a row that is there."""
    remote = field.remote_field
    if remote is None or not hasattr(remote, "on_delete"):
        return False
    return bool(field.db_constraint or (remote.on_delete is not DO_NOTHING and _soft(remote.model)))


def _soft(model: Any) -> bool:
    return hasattr(model, "deleted_in") and hasattr(model, "all_objects")


def _pointing(row: RowPlan) -> list[Any]:
    """Return the foreign keys of a row that the plan makes point somewhere anew."""
    keys = [field for field in row.model._meta.concrete_fields if _bound(field)]
    if row.step == "insert":
        return keys
    restored = row.step == "restore"
    return [
        field
        for field in keys
        if field.attname in row.sources or (restored and field.remote_field.on_delete is CASCADE)
    ]


def _wanted_targets(rows: Iterable[RowPlan]) -> dict[Any, set[Any]]:
    wanted: dict[Any, set[Any]] = defaultdict(set)
    for row in rows:
        for field in _pointing(row):
            if (key := row.final.get(field.attname)) is not None:
                wanted[field.remote_field.model._meta.concrete_model].add(key)
        for link in tracked_links(row.model):
            added, _ = row.links.get(link.name, (frozenset(), frozenset()))
            wanted[link.target._meta.concrete_model] |= added
    return wanted


def targets(rows: Iterable[RowPlan]) -> dict[Place, Existence]:
    """Return whether what the rows will point at lives, is deleted, or is not there (not contained)."""
    found: dict[Place, Existence] = {}
    for model, keys in _wanted_targets(rows).items():
        manager = model.all_objects if _soft(model) else model._base_manager
        columns = ("pk", "deleted_at") if _soft(model) else ("pk",)
        for part in chunks(keys):
            for key, *deleted in manager.filter(pk__in=part).order_by().values_list(*columns):
                found[model, key] = "deleted" if any(deleted) else "living"
    return found


# What must be unique


def _names(model: Any) -> dict[str, str]:
    fields = model._meta.concrete_fields
    return {name: field.attname for field in fields for name in (field.name, field.attname)}


def _claims(row: RowPlan, group: UniqueGroup) -> bool:
    """Tell whether the plan is what makes the row want these values."""
    return row.step in ("insert", "restore") or not row.columns.isdisjoint(group.columns)


def _wanted_values(rows: Iterable[RowPlan], group: UniqueGroup) -> dict[tuple[Any, ...], list[RowPlan]]:
    found: dict[tuple[Any, ...], list[RowPlan]] = defaultdict(list)
    for row in rows:
        if row.step != "delete" and (values := group.values(row.final, _names(row.model))) is not None:
            found[values].append(row)
    return found


def _holders(
    model: Any, group: UniqueGroup, wanted: Iterable[tuple[Any, ...]]
) -> dict[tuple[Any, ...], frozenset[Any]]:
    asked = set(wanted)
    found: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
    for part in chunks(asked):
        rows = model.all_objects.order_by()
        if group.condition is not None:
            rows = rows.filter(group.condition)
        for place, column in enumerate(group.columns):
            rows = rows.filter(**{f"{column}__in": {values[place] for values in part}})
        for key, *values in rows.values_list("pk", *group.columns):
            if tuple(values) in asked:
                found[tuple(values)].add(key)
    return {values: frozenset(keys) for values, keys in found.items()}


def _all_holders(rows: Iterable[RowPlan]) -> dict[tuple[Any, str], Mapping[tuple[Any, ...], frozenset[Any]]]:
    found: dict[tuple[Any, str], Mapping[tuple[Any, ...], frozenset[Any]]] = {}
    for model, planned in _by_model(rows).items():
        for group in unique_groups(model):
            claims = [row for row in planned if _claims(row, group)]
            if wanted := _wanted_values(claims, group):
                found[model, group.name] = _holders(model, group, wanted)
    return found


# Rows that point at what is to be deleted


def _relations(model: Any) -> list[Any]:
    return [
        relation
        for relation in model._meta.related_objects
        if getattr(relation, "on_delete", DO_NOTHING) is not DO_NOTHING
        and _soft(relation.related_model)
        and not relation.related_model._meta.proxy
        and not relation.many_to_many
    ]


def _children(model: Any, keys: Iterable[Any]) -> dict[Any, list[tuple[Any, Any]]]:
    """Return for each key the living rows that point at it, as (foreign key, key of the child)."""
    found: dict[Any, list[tuple[Any, Any]]] = defaultdict(list)
    for relation in _relations(model):
        field = relation.field
        for part in chunks(keys):
            rows = relation.related_model.all_objects.filter(
                **{f"{field.attname}__in": part}, deleted_at__isnull=True
            )
            for child, parent in rows.order_by("pk").values_list("pk", field.attname):
                found[parent].append((field, child))
    return found


def _by_model(rows: Iterable[RowPlan]) -> dict[Any, list[RowPlan]]:
    found: dict[Any, list[RowPlan]] = defaultdict(list)
    for row in rows:
        found[row.model].append(row)
    return found


def _below(rows: list[RowPlan]) -> tuple[dict[Place, tuple[tuple[Any, Any], ...]], dict[Any, set[Any]]]:
    """Return what points at rows that are to be deleted, and all that would be deleted with them."""
    planned = {row.place for row in rows}
    children: dict[Place, tuple[tuple[Any, Any], ...]] = {}
    cascading: dict[Any, set[Any]] = defaultdict(set)
    frontier: dict[Any, set[Any]] = defaultdict(set)
    for row in rows:
        if row.step == "delete":
            frontier[row.model].add(row.pk)
    while frontier:
        model, keys = frontier.popitem()
        for parent, found in _children(model, keys).items():
            children[model, parent] = tuple(found)
            for field, child in found:
                place = (field.model, child)
                if field.remote_field.on_delete is CASCADE and place not in planned:
                    planned.add(place)
                    cascading[field.model].add(child)
                    frontier[field.model].add(child)
    return children, cascading


def _cascades(cascading: Mapping[Any, set[Any]], rules: Rules) -> tuple[RowPlan, ...]:
    found = []
    for model, keys in cascading.items():
        newest, live = newest_versions(model, keys), live_states(model, keys)
        for key in sorted(live, key=str):
            row = RowPlan(
                model, key, "delete", newest[key] or 0, now=live[key], to="deleted", final=live[key].values
            )
            allowed = rules.may is None or rules.may(model, row.row)
            found.append(row if allowed else row.with_own([no_permission(model)]))
    return tuple(found)


def gather(rows: list[RowPlan], rules: Rules) -> Facts:
    """Read what the database says about the surroundings of a plan."""
    children, cascading = _below(rows)
    return Facts(targets(rows), _all_holders(rows), children, _cascades(cascading, rules))


# Judging


class _Judge:
    def __init__(self, rows: Iterable[RowPlan], facts: Facts) -> None:
        self.rows = {row.place: row for row in rows}
        self.facts = facts
        self.found: dict[Place, list[Conflict]] = {row.place: list(row.own) for row in self.rows.values()}

    def verdict(self) -> tuple[RowPlan, ...]:
        for row in self.rows.values():
            if row.step == "delete":
                self._pointed_at(row)
            self._pointing(row)
            self._linked(row)
        self._unique()
        return tuple(replace(row, conflicts=tuple(self.found[row.place])) for row in self.rows.values())

    def _existence(self, model: Any, key: Any) -> Existence:
        place = (model._meta.concrete_model, key)
        if place in self.rows:
            return self.rows[place].to
        return self.facts.targets.get(place, "absent")

    def _is_gone(self, row: RowPlan, model: Any, key: Any) -> bool:
        existence = self._existence(model, key)
        return existence == "absent" or (existence == "deleted" and row.to == "living")

    def _pointing(self, row: RowPlan) -> None:
        for field in _pointing(row):
            key, model = row.final.get(field.attname), field.remote_field.model
            if key is not None and self._is_gone(row, model, key):
                message = f"The {model._meta.verbose_name} it belonged to is deleted: restore that first."
                self.found[row.place].append(Conflict(field.name, "target-gone", message))

    def _linked(self, row: RowPlan) -> None:
        for link in tracked_links(row.model):
            added, _ = row.links.get(link.name, (frozenset(), frozenset()))
            # A deleted row keeps its links, out of sight until it is restored: so may this one.
            gone = [key for key in added if self._existence(link.target, key) == "absent"]
            if gone:
                message = f"{len(gone)} of the {link.label} it had are gone for good."
                self.found[row.place].append(Conflict(link.name, "target-gone", message))

    def _pointed_at(self, row: RowPlan) -> None:
        made: dict[tuple[str, Any], int] = defaultdict(int)
        for field, child in self.facts.children.get(row.place, ()):
            other = self.rows.get((field.model, child))
            if other is None or (other.to == "living" and other.final.get(field.attname) == row.pk):
                protects = field.remote_field.on_delete in (PROTECT, RESTRICT)
                made["protected" if protects else "children-since", field.model] += 1
        for (code, model), number in made.items():
            name = model._meta.verbose_name if number == 1 else model._meta.verbose_name_plural
            self.found[row.place].append(
                Conflict(None, code, f"{number} {name} that others made point at it by now.")
            )

    def _unique(self) -> None:
        for model, rows in _by_model(self.rows.values()).items():
            for group in unique_groups(model):
                holders = self.facts.holders.get((model, group.name), {})
                for values, wanting in _wanted_values(rows, group).items():
                    outside = any((model, key) not in self.rows for key in holders.get(values, ()))
                    if outside or len(wanting) > 1:
                        self._taken(wanting, group)

    def _taken(self, rows: list[RowPlan], group: UniqueGroup) -> None:
        for row in rows:
            if _claims(row, group):
                field = next((c.field for c in row.changes if c.field in group.fields), None)
                self.found[row.place].append(Conflict(field, "unique-taken", group.message))


def judged(rows: Iterable[RowPlan], facts: Facts) -> tuple[RowPlan, ...]:
    """Return the rows, each with everything that speaks against it, given the others."""
    return _Judge(rows, facts).verdict()
