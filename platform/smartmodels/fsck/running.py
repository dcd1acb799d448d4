"""Run the checks, and mend what is safe to mend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from smartmodels.context import namespace_scope, operation, public_scope
from smartmodels.fsck import accounts, rows, shared, shares
from smartmodels.fsck.findings import Check, Finding
from smartmodels.tenancy.audit import audited
from smartmodels.tenancy.models import get_namespace_model
from smartmodels.tenancy.schemas import marked_schemas
from smartmodels.transfer.exporting import WITH_ROWS

__all__ = ["CHECKS", "SHARING", "Report", "check_namespaces"]

CHECKS: tuple[Check, ...] = (*rows.CHECKS, *accounts.CHECKS, *shares.OF_EACH)
"""What is looked for in every namespace; history's triggers come before what they write."""

SHARING = shares.OF_EACH
"""What is looked for in what a namespace shares."""


@dataclass(slots=True)
class Report:
    """What was found, how many of it was mended, and what remains."""

    namespaces: int = 0
    findings: list[Finding] = field(default_factory=list)
    mended: int = 0
    left: list[Finding] = field(default_factory=list)


def _silent(_: str) -> None:
    """Report to nobody."""


def check_namespaces(
    slugs: Iterable[str] | None = None,
    *,
    fix: bool = False,
    drop_schemas: bool = False,
    only: Sequence[Check] | None = None,
    progress: Callable[[str], None] = _silent,
) -> Report:
    """Look at what no constraint keeps: in some namespaces, or in all and in what they share.

    With ``fix``, each kind of finding in each namespace is mended in one transaction, and looked for once
    more. Schemas that nothing is served from, and uploaded files of schemas that are gone, go only with
    ``drop_schemas``. ``only`` are the checks to run,
    such as :data:`SHARING`; else it is all of them.
    """
    report = Report()
    with public_scope():
        found = get_namespace_model().objects.filter(state__in=WITH_ROWS).order_by("slug")
        namespaces = list(found if slugs is None else found.filter(slug__in=list(slugs)))
        there = marked_schemas()
    if slugs is None:
        progress("shared")
        for check in (*shared.SHARED, *shares.OF_GONE, *shared.OF_NOBODY):
            if only is None or check in only:
                _run(report, check, None, fix=fix and (drop_schemas or check not in shared.OF_NOBODY))
    for namespace in namespaces:
        report.namespaces += 1
        if namespace.schema_name in there:
            progress(namespace.slug)
            for check in CHECKS if only is None else only:
                _run(report, check, namespace, fix=fix)
    return report


def _run(report: Report, check: Check, namespace: Any, *, fix: bool) -> None:
    with namespace_scope(namespace), operation(action="fsck", reason=f"fsck: {check.code}"):
        found = list(check.find(namespace))
        mendable = [each for each in found if each.mendable and check.mend is not None]
        report.findings += [_told(each, check) for each in found]
        if fix and mendable and check.mend is not None:
            # The audit binds the public schema.
            with _mending(check, namespace), namespace_scope(namespace):
                check.mend(namespace, mendable)
            left = list(check.find(namespace))
            report.mended += len(found) - len(left)
            found = left
        report.left += [_told(each, check) for each in found]


def _mending(check: Check, namespace: Any) -> AbstractContextManager[Any]:
    """Return the transaction, with an entry in the audit where it is about one namespace."""
    return transaction.atomic() if namespace is None else audited("fsck", namespace, code=check.code)


def _told(finding: Finding, check: Check) -> Finding:
    return replace(finding, mendable=finding.mendable and check.mend is not None, about=None)
