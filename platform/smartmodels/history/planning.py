"""From what a selection touched to what has to be done: the three-way comparison, row by row (DESIGN H4)."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from smartmodels.history.plans import Conflict, FieldChange, RowPlan, Step
from smartmodels.history.states import RowState, plain, same
from smartmodels.history.touched import Touched
from smartmodels.history.tracking import revertible_fields, tracked_links

__all__ = ["Rules", "plan_row"]

May = Callable[[Any, Any], bool]
Writable = Callable[[Any], Container[str]]

CHANGED = "changed-since"
FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the caller may do: ``may(model, row)`` to a row, ``writable(model)`` the fields of a model."""

    may: May | None = None
    writable: Writable | None = None

    def fields(self, model: Any) -> list[Any]:
        """Return the fields of a model that the caller may have reverted."""
        fields = revertible_fields(model)
        if self.writable is None:
            return list(fields)
        allowed = self.writable(model)
        return [field for field in fields if field.name in allowed]

    def links(self, model: Any) -> list[Any]:
        """Return the tracked links of a model that the caller may have reverted."""
        links = tracked_links(model)
        if self.writable is None:
            return list(links)
        allowed = self.writable(model)
        return [link for link in links if link.name in allowed]


class _Draft:
    """A row plan in the making."""

    def __init__(self, touched: Touched, rules: Rules, unknown: frozenset[str]) -> None:
        self.touched, self.rules, self.unknown = touched, rules, unknown
        self.step: Step | None = None
        self.unmade = False
        self.to = touched.now.existence
        self.source: RowState | None = None
        self.changes: list[FieldChange] = []
        self.sources: dict[str, int] = {}
        self.links: dict[str, tuple[frozenset[Any], frozenset[Any]]] = {}
        self.conflicts: list[Conflict] = []
        self.notes: list[Conflict] = []

    def conflict(self, field: str | None, code: str, message: str) -> None:
        self.conflicts.append(Conflict(field, code, message))

    # Whether the row is there

    def settle_existence(self) -> None:
        """Decide whether the row comes, goes or stays."""
        if self.touched.delta.existence is None:
            return
        base, left = self.touched.delta.existence
        now, target = self.touched.now.existence, base.existence
        gone = ("deleted", "absent")
        if now == target or (target == "absent" and now in gone):
            return
        if now != left:
            words = {"living": "was restored", "deleted": "was deleted", "absent": "was purged"}
            self.conflict(None, CHANGED, f"The row {words[now]} since.")
        self.to = "deleted" if target == "absent" else target
        if now == "absent":
            self.step, self.source, self.to = "insert", base, target
            if base.erased:
                self.conflict(None, FORGOTTEN, "What it was before is no longer kept: values were erased.")
        else:
            self.step = "restore" if target == "living" else "delete"
        if target == "absent":
            self.unmade = True
            self._changes_that_would_be_lost()

    def _changes_that_would_be_lost(self) -> None:
        left, now = self.touched.left, self.touched.now
        if left.existence == "absent":
            return
        for field in revertible_fields(self.touched.model):
            changed = not same(left.values[field.attname], now.values[field.attname])
            if changed or field.attname in self.touched.delta.others:
                self.conflict(
                    field.name, CHANGED, f"Somebody changed {field.verbose_name} since, which would be lost."
                )

    # Its values

    def settle_fields(self) -> None:
        """Decide which fields go back to which version."""
        for field in self.rules.fields(self.touched.model):
            if field.attname not in self.touched.delta.fields:
                if field.attname in self.touched.delta.unclear:
                    self._erased(field)
                continue
            base, source, left = self.touched.delta.fields[field.attname]
            now = self._present(field.attname)
            if same(now, base) or source is None:
                continue
            if field.attname in self.unknown:
                message = f"{field.verbose_name} did not exist in the earlier version: it keeps its value."
                self.notes.append(Conflict(field.name, "newer-columns", message))
                continue
            if source in self.touched.erased:
                self._erased(field)
                continue
            if not same(now, left) and self.source is None:
                self.conflict(field.name, CHANGED, f"Somebody changed {field.verbose_name} since.")
            self._change(field, now, base, source)

    def _erased(self, field: Any) -> None:
        message = f"What {field.verbose_name} was before is no longer kept: it was erased."
        self.conflict(field.name, FORGOTTEN, message)

    def _present(self, attname: str) -> Any:
        return (self.source or self.touched.now).values[attname]

    def _change(self, field: Any, now: Any, base: Any, source: int) -> None:
        old, new = plain(field, now), plain(field, base)
        self.changes.append(FieldChange(field.name, str(field.verbose_name), old, new))
        self.sources[field.attname] = source
        if not field.is_relation and (problem := _invalid(field, new)):
            self.conflict(field.name, "invalid", problem)

    # What it is linked to

    def settle_links(self) -> None:
        """Decide which links are tied again and which are cut; each link counts for itself."""
        present = self.source or self.touched.now
        for link in self.rules.links(self.touched.model):
            now = present.links.get(link.name, frozenset())
            wanted = set(now)
            for (name, key), (before, _) in self.touched.delta.links.items():
                if name == link.name:
                    (wanted.add if before else wanted.discard)(key)
            held = frozenset() if self.source is not None else now
            self._link(link, held, frozenset(wanted))

    def _link(self, link: Any, now: frozenset[Any], wanted: frozenset[Any]) -> None:
        if now == wanted:
            return
        self.links[link.name] = (wanted - now, now - wanted)
        old, new = (sorted(keys, key=str) for keys in (now, wanted))
        self.changes.append(FieldChange(link.name, link.label, old, new))

    # Together

    def _insertion(self) -> None:
        """Say what an insertion brings, and what of it is lost."""
        source, model = self.source, self.touched.model
        assert source is not None  # noqa: S101 - an insertion has one
        for field in revertible_fields(model):
            value = plain(field, source.values[field.attname])
            if field.attname not in self.sources and value not in (None, ""):
                self.changes.append(FieldChange(field.name, str(field.verbose_name), None, value))
        if lost := model.smart.history_exclude:
            names = ", ".join(lost)
            self.conflict(None, "excluded-fields", f"History does not keep {names}: it would be empty.")
        for name in self.unknown:
            message = f"{name} did not exist in the earlier version: it gets the value of a new row."
            self.notes.append(Conflict(name, "newer-columns", message))

    def finish(self) -> RowPlan | None:
        """Return the plan of the row; None if there is nothing to do."""
        if self.touched.forgotten:
            self._forgotten()
        else:
            self._settle()
        if self.step is None and not self.changes and not self.conflicts:
            return None
        plan = RowPlan(
            self.touched.model, self.touched.pk, self.step or "update", self.touched.newest,
            now=self.touched.now, to=self.to, changes=tuple(self.changes), sources=self.sources,
            source=self.source, links=self.links, final=self._final(), notes=tuple(self.notes),
        )  # fmt: skip
        self._permission(plan)
        return plan.with_own(self.conflicts)

    def _forgotten(self) -> None:
        """Say that nothing can be done, whatever the row is now: it may have been anything."""
        if self.touched.now.existence == "absent":
            self.source = self.touched.left
        message = "What it was before is no longer kept: history was pruned, or began later."
        self.conflict(None, FORGOTTEN, message)

    def _settle(self) -> None:
        self.settle_existence()
        if not self.unmade and (self.source or self.touched.now.existence != "absent"):
            self.settle_fields()
            self.settle_links()
        if self.step == "insert":
            self._insertion()
        if self.step is None and self.touched.now.existence == "absent" and self.touched.delta.fields:
            self.conflict(None, CHANGED, "The row was purged since.")

    def _final(self) -> dict[str, Any]:
        values = dict((self.source or self.touched.now).values)
        values.update({name: self.touched.delta.fields[name][0] for name in self.sources})
        if "deleted_at" in values:
            values["deleted_at"] = None if self.to == "living" else values["deleted_at"] or True
        return values

    def _permission(self, plan: RowPlan) -> None:
        if self.rules.may is not None and not self.rules.may(plan.model, plan.row):
            self.conflicts.append(no_permission(plan.model))


def no_permission(model: Any) -> Conflict:
    """Return the conflict of a row that the caller may not change."""
    message = f"You may not change this {model._meta.verbose_name}."
    return Conflict(None, "no-permission", message)


def _invalid(field: Any, value: Any) -> str | None:
    """Return what the field has against a value, if anything."""
    if field.blank and value in field.empty_values:
        return None
    try:
        field.clean(value, None)
    except ValidationError as error:
        return f"{field.verbose_name}: {' '.join(error.messages)}"
    return None


def plan_row(touched: Touched, rules: Rules, unknown: frozenset[str] = frozenset()) -> RowPlan | None:
    """Return what has to be done to a row that was touched, or None.

    ``unknown`` are columns that did not exist when the version to go back to was written.
    """
    return _Draft(touched, rules, unknown).finish()
