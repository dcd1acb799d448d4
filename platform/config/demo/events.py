"""What happens in the demo: a study is shared, a row edited and reverted, an account closed.

Each event looks first whether it has happened, so telling the story again changes nothing.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Sum

from config.demo.cast import BO, DINA, STAFF, TARA, VIC, account_of
from shared_apps.namespaces.closing import close_account, continue_handovers
from shared_apps.namespaces.models import Handover, Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history.revert import apply_revert, plan_revert
from smartmodels.history.timeline import timeline
from smartmodels.sharing import accept, grants_of, share
from tenant_apps.research.models import Observation, Study

__all__ = ["edit_and_revert", "leave", "share_study"]

Told = tuple[bool, str]
"""Whether anything was changed, and what there is to say."""

_SHARED = {"code": "PAL0910", "island": "Biscoe"}
_EDITED = {
    "specimen__study__code": "PAL0708",
    "specimen__study__island": "Torgersen",
    "specimen__individual": "N1A1",
}
_WRONG_MASS = 4750


def share_study() -> Told:
    """Bo offers a study of biscoe to dream; Dina accepts."""
    with namespace_scope(Namespace.objects.get(slug="biscoe")):
        study = Study.objects.filter(**_SHARED).first()
        if study is None:
            return False, "study PAL0910 of biscoe is gone: nothing to share"
        if grants_of(study).exists():
            return False, f"study {study} of biscoe was offered to dream"
        dream = Namespace.objects.get(slug="dream")
        with transaction.atomic():
            with operation(actor=Actor.user(account_of(BO)), reason="for comparison"):
                grant = share(study, dream)
            with operation(actor=Actor.user(account_of(DINA))):
                accept(grant)
    return True, f"study {study} of biscoe, visible in dream by consent of both"


def edit_and_revert() -> Told:
    """Tara mistypes a weight and takes the change back."""
    with namespace_scope(Namespace.objects.get(slug="torgersen")):
        row = Observation.objects.filter(**_EDITED).order_by("created_at").first()
        if row is None:
            return False, "the observation of N1A1 in torgersen is gone: nothing to edit"
        versions = timeline(Observation, row.pk)
        if versions.filter(action="revert").exists():
            return False, f"body mass of N1A1 in torgersen has {versions.count()} versions"
        right, tara = row.body_mass_g, Actor.user(account_of(TARA))
        before = versions[0]
        with transaction.atomic():
            with operation(actor=tara, reason="weighed again"):
                row.body_mass_g = _WRONG_MASS
                row.save(update_fields=["body_mass_g"])
            with operation(actor=tara, reason="mistyped"):
                apply_revert(plan_revert(row, before))
    return True, f"body mass of N1A1 in torgersen: {right} -> {_WRONG_MASS} -> {right} g, in its history"


def leave() -> Told:
    """Staff closes Vic's account; what he brought in stays."""
    vic = account_of(VIC)
    with operation(actor=Actor.user(account_of(STAFF)), reason="left the project"):
        is_first = vic.closed_at is None
        if is_first:
            close_account(vic)
        handovers = Handover.objects.filter(user=vic)
        cut_off = handovers.filter(finished_at__isnull=True).exists()
        if cut_off:
            continue_handovers(vic)
    rows = handovers.aggregate(rows=Sum("rows"))["rows"] or 0
    return is_first or cut_off, f"{vic.email}: {rows} rows stay, owned by the sentinel"
