"""Undo, step by step: a preview, a way to settle what is in dispute, a confirmation, and what was done."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.template.response import TemplateResponse

from smartmodels.admin.forms import UndoForm
from smartmodels.admin.listed_rows import listed, step_in_words
from smartmodels.admin.rights import Rights
from smartmodels.exceptions import RevertConflict
from smartmodels.history import Conflict, RevertPlan, apply_revert, resolve

__all__ = ["STRATEGIES", "Undo", "undo"]

STRATEGIES = {
    "skip": (
        "Leave these rows out",
        "They stay as they are; everything else is undone.",
    ),
    "merge": (
        "Undo what is not in dispute",
        "Fields that nobody changed since are undone, also in these rows; the others keep their values.",
    ),
    "force": (
        "Overwrite what was changed since",
        "What others changed later is lost. What you may not change, or is taken, still stands in the way.",
    ),
}
"""What can become of rows with conflicts: by name, in words and in a sentence."""

_PER_PAGE = 100
_CHANGED = "Something has changed since you looked at this preview. Nothing was done: look at it again."
_BAD_REASON = "The reason cannot be used: at most 500 characters, without control characters."

Planned = Callable[..., RevertPlan]


@dataclass(frozen=True, slots=True)
class Undo:
    """What is to be undone: ``planned`` is called with ``may`` and ``writable``.

    ``title`` heads the pages, ``what`` says it in a sentence, ``back`` is where one gives up.
    ``allowed`` tells whether the member may confirm, given that rows are judged one by one besides.
    """

    title: str
    what: str
    back: str
    planned: Planned
    allowed: bool


def _fingerprint(plan: RevertPlan) -> str:
    """Return a digest of what a plan would do, by which a confirmation names what was previewed."""
    digest = hashlib.sha256(str(plan.strategy).encode())
    for rows in (plan.rows, plan.left):
        digest.update(b"|")
        for row in rows:
            fields = sorted(change.field for change in row.changes)
            codes = sorted(conflict.code for conflict in row.conflicts)
            said = (row.model._meta.label_lower, str(row.pk), row.step, row.base, fields, codes)
            digest.update(repr(said).encode())
    return digest.hexdigest()


def _with_kept(plan: RevertPlan, before: RevertPlan) -> RevertPlan:
    """Return the settled plan with a note for each field that, being in dispute, keeps its value."""
    asked = {row.place: row.changes for row in before.rows}
    rows = []
    for row in plan.rows:
        still = {change.field for change in row.changes}
        kept = [change for change in asked.get(row.place, ()) if change.field not in still]
        notes = (Conflict(each.field, "kept", f"Keeps its {each.label}.") for each in kept)
        rows.append(replace(row, notes=(*row.notes, *notes)))
    return replace(plan, rows=tuple(rows))


def _counts(plan: RevertPlan) -> list[str]:
    found = []
    for step, number in plan.counts.items():
        found.append(f"{number} {'row' if number == 1 else 'rows'} {step_in_words(step)}")
    return found


def _against(plan: RevertPlan) -> list[tuple[str, int]]:
    """Return each sentence that speaks against the plan, and of how many rows."""
    found = Counter(message for row in plan.rows for message in {each.message for each in row.conflicts})
    return found.most_common()


class _Pages:
    def __init__(self, site: Any, request: Any, asked: Undo) -> None:
        self.site, self.request, self.asked = site, request, asked
        self.rights = Rights(request, site)

    def plan(self) -> RevertPlan:
        """Return the plan, settled as the address says."""
        plan = self.rights.narrowed(self.asked.planned(may=self.rights.may, writable=self.rights.writable))
        strategy = self.request.GET.get("strategy")
        return plan if not strategy or not plan.conflicts else _with_kept(resolve(plan, strategy), plan)

    def answer(self) -> TemplateResponse:
        if self.request.method != "POST":
            return self.preview(self.plan())
        if not self.asked.allowed:
            raise PermissionDenied
        return self.confirm(self.plan())

    def confirm(self, plan: RevertPlan) -> TemplateResponse:
        form = UndoForm(self.request.POST)
        if not form.is_valid():
            return self.preview(plan, _BAD_REASON, 400)
        if form.cleaned_data["seen"] != _fingerprint(plan):
            return self.preview(plan, _CHANGED, 409)
        try:
            done = apply_revert(plan, reason=form.cleaned_data["reason"] or None)
        except RevertConflict as error:
            return self.preview(self.plan(), error.message, error.status)
        return self.render("undone", plan, operation_id=done.operation_id)

    def preview(self, plan: RevertPlan, problem: str = "", status: int = 200) -> TemplateResponse:
        posted = self.request.POST.get("reason", "")[:500] if self.request.method == "POST" else ""
        form = UndoForm(initial={"seen": _fingerprint(plan), "reason": posted})
        against = _against(plan)
        return self.render(
            "undo", plan, status, problem=problem, form=form, against=against, strategies=STRATEGIES.items(),
            ready=not plan.is_noop and not against, disputed=bool(against) or plan.strategy is not None,
            kept=[pair for pair in self.request.GET.items() if pair[0] not in ("strategy", "p")],
        )  # fmt: skip

    def render(self, page: str, plan: RevertPlan, status: int = 200, **context: Any) -> TemplateResponse:
        """Return a page about the plan, a part of its rows at a time."""
        # What stands in the way comes first; otherwise parents before children, as it would be done.
        rows = sorted(plan.rows, key=lambda row: not row.conflicts)
        page_obj = Paginator(rows, _PER_PAGE).get_page(self.request.GET.get("p"))
        everywhere = {
            **self.site.each_context(self.request), "title": self.asked.title, "undo": self.asked,
            "plan": plan,
            "counts": _counts(plan), "rows": listed(self.site, self.rights, list(page_obj.object_list)),
            "left": listed(self.site, self.rights, plan.left[:_PER_PAGE], done=False),
            "more_left": max(0, len(plan.left) - _PER_PAGE), "page_obj": page_obj,
            "page_range": page_obj.paginator.get_elided_page_range(page_obj.number),
        }  # fmt: skip
        self.request.current_app = self.site.name
        template = f"smartmodels/admin/{page}.html"
        return TemplateResponse(self.request, template, {**everywhere, **context}, status=status)


def undo(site: Any, request: Any, asked: Undo) -> TemplateResponse:
    """Answer with the preview, or after a POST with what was done.

    What is posted is a reason and the digest of the preview; what is undone is planned anew, with the
    rights of the member, and refused if it is not what was seen.
    """
    return _Pages(site, request, asked).answer()
