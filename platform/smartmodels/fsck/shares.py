"""What others are shown: the registry equals the rows, and grants are what they may be (DESIGN S1 to S4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

from smartmodels.fsck.findings import Check, Finding, keys_of
from smartmodels.sharing import (
    GrantStatus,
    cover_rows,
    differing_rows,
    end_unruly,
    get_event_model,
    get_grant_model,
    get_registry_model,
    label_of,
    reconcile,
    uncovered_rows,
    unruly_grants,
)
from smartmodels.tenancy.models import State, get_namespace_model
from smartmodels.tenancy.triggers import quoted
from smartmodels.transfer.exporting import WITH_ROWS

__all__ = ["OF_EACH", "OF_GONE"]

_SERVED = (State.ACTIVE, State.MAINTENANCE)
_LIVE = "g.status IN ('pending', 'active', 'suspended')"


# The registry


def _find_dangling(namespace: Any) -> Iterator[Finding]:
    for each in differing_rows(namespace):
        if each.astray:
            what = f"{len(each.astray)} rows of {each.label} are gone or back, but not in the registry."
            yield Finding("share-dangling", namespace.slug, each.label, len(each.astray), what)


def _find_stale(namespace: Any) -> Iterator[Finding]:
    for each in differing_rows(namespace):
        if each.stale:
            what = (
                f"{len(each.stale)} entries of {each.label} have another label, owner or mark than the row."
            )
            yield Finding("share-stale", namespace.slug, each.label, len(each.stale), what)


def _mend_registry(namespace: Any, _: list[Finding]) -> None:
    reconcile(namespace)


# What follows by rule


def _find_unruly(namespace: Any) -> Iterator[Finding]:
    for model, grants, rows in unruly_grants(namespace):
        what = (
            f"{len(grants)} grants of {label_of(model)} follow one of a row that theirs does not belong to."
        )
        yield Finding(
            "grant-unruly", namespace.slug, label_of(model), len(grants), what, about=(model, grants, rows)
        )


def _end_unruly(namespace: Any, found: list[Finding]) -> None:
    """End them, and let the rows follow what they belong to."""
    for finding in found:
        model, grants, rows = finding.about
        end_unruly(grants)
        cover_rows(namespace, model, rows)


def _find_uncovered(namespace: Any) -> Iterator[Finding]:
    for model, keys in uncovered_rows(namespace):
        what = f"{len(keys)} rows of {label_of(model)} belong to a covered row, and do not follow its grant."
        yield Finding(
            "share-uncovered", namespace.slug, label_of(model), len(keys), what, about=(model, keys)
        )


def _cover(namespace: Any, found: list[Finding]) -> None:
    for finding in found:
        cover_rows(namespace, *finding.about)


# Grants


def _names() -> dict[str, str]:
    models = {
        "grants": get_grant_model(), "registry": get_registry_model(), "events": get_event_model(),
        "namespaces": get_namespace_model(),
    }  # fmt: skip
    return {name: f"public.{quoted(model._meta.db_table)}" for name, model in models.items()}


_GRANTS = (
    "SELECT g.id FROM {grants} g JOIN {registry} r ON r.id = g.resource_id "
    "JOIN {namespaces} h ON h.id = g.home_id"
)


def _grants(condition: str, *params: Any) -> Callable[[Any], list[Any]]:
    """Return what finds grants of a home that meet the condition; with None, of homes that hold no rows."""

    def find(namespace: Any) -> list[Any]:
        """Return their keys."""
        homes = [namespace.pk] if namespace is not None else _gone()
        sql = f"{_GRANTS} WHERE g.home_id = ANY (%s) AND ({condition}) ORDER BY 1"
        return keys_of(sql.format(**_names()), [homes, *params])

    return find


def _gone() -> list[Any]:
    return list(get_namespace_model().objects.exclude(state__in=WITH_ROWS).values_list("pk", flat=True))


def _revoke(_: Any, found: list[Finding]) -> None:
    _become(found, GrantStatus.REVOKED)


def _become(found: list[Finding], status: str) -> None:
    for finding in found:
        get_grant_model().objects.filter(pk__in=finding.about).update(status=status)


def _remark(_: Any, found: list[Finding]) -> None:
    with connection.cursor() as cursor:
        for finding in found:
            cursor.execute(_REMARK.format(**_names()), [finding.about])


def _sleep(_: Any, found: list[Finding]) -> None:
    _become(found, GrantStatus.SUSPENDED)


def _wake(_: Any, found: list[Finding]) -> None:
    _become(found, GrantStatus.ACTIVE)


def _tell(_: Any, found: list[Finding]) -> None:
    """Write what a grant is as its newest event."""
    with connection.cursor() as cursor:
        for finding in found:
            cursor.execute(_EVENT.format(**_names()), [finding.about])


_REMARK = """
    UPDATE {grants} g SET resource_deleted = r.deleted_at IS NOT NULL
    FROM {registry} r WHERE r.id = g.resource_id AND g.id = ANY (%s)
"""
_LAST = "(SELECT e.status FROM {events} e WHERE e.grant_id = g.id ORDER BY e.id DESC LIMIT 1)"
_EVENT = f"""
    INSERT INTO {{events}} (grant_id, home_id, home_slug, target_id, target_slug, to_user_id, model, row_id,
        status_before, status, terms, actor_kind, actor_label, reason, passer_id)
    SELECT g.id, g.home_id, h.slug, g.target_id, g.target_slug, g.user_id, g.model, g.row_id,
        coalesce({_LAST}, ''), g.status,
        jsonb_build_object('role', g.role, 'expires_at', g.expires_at, 'may_reshare', g.may_reshare,
            'covers_below', g.covers_below, 'history', g.history, 'at_end', g.at_end),
        'system', 'fsck', 'The step had no event.', g.passer_id
    FROM {{grants}} g JOIN {{namespaces}} h ON h.id = g.home_id WHERE g.id = ANY (%s)
"""  # noqa: S608
_ASTRAY = f"""
    {_LIVE} AND ((g.model, g.row_id, g.home_id) IS DISTINCT FROM (r.model, r.resource_id, r.home_id)
        OR r.purged_at IS NOT NULL OR h.state IN ('deleting', 'failed')
        OR EXISTS (SELECT FROM {{grants}} s WHERE s.id = g.source_id
            AND s.status NOT IN ('pending', 'active', 'suspended')))
"""
_DOUBLE = f"""
    {_LIVE} AND EXISTS (SELECT FROM {{grants}} o WHERE o.resource_id = g.resource_id AND o.id < g.id
        AND o.target_slug = g.target_slug AND o.target_id IS NOT DISTINCT FROM g.target_id
        AND (g.target_id IS NOT NULL OR o.source_id IS NOT DISTINCT FROM g.source_id)
        AND o.user_id IS NOT DISTINCT FROM g.user_id AND o.status IN ('pending', 'active', 'suspended'))
"""  # noqa: S608

_KINDS: tuple[tuple[str, Callable[[Any], list[Any]], Callable[[Any, list[Finding]], None], str], ...] = (
    ("grant-mark", _grants("g.resource_deleted <> (r.deleted_at IS NOT NULL)"), _remark,
     "do not say whether their row is deleted"),
    ("grant-astray", _grants(_ASTRAY), _revoke,
     "live although their row, their home or the grant that they come from is gone"),
    ("grant-double", _grants(_DOUBLE), _revoke, "live beside another one of the same row and target"),
    ("grant-awake", _grants("g.status = 'active' AND h.state <> ALL (%s)", list(_SERVED)), _sleep,
     "are active although their home is not served"),
    ("grant-asleep", _grants("g.status = 'suspended' AND h.state = ANY (%s)", list(_SERVED)), _wake,
     "sleep although their home is served"),
    ("grant-event", _grants(f"g.status IS DISTINCT FROM {_LAST}"), _tell,
     "are not what their newest event says"),
)  # fmt: skip


def _check(
    code: str,
    find: Callable[[Any], list[Any]],
    mend: Callable[[Any, list[Finding]], None],
    what: str,
) -> Check:
    def findings(namespace: Any) -> Iterator[Finding]:
        """Yield one finding for all such grants of a home."""
        if keys := find(namespace):
            slug, table = namespace and namespace.slug, get_grant_model()._meta.db_table
            yield Finding(code, slug, table, len(keys), f"{len(keys)} grants {what}.", about=keys)

    return Check(code, findings, mend)


OF_GONE = tuple(_check(*kind) for kind in _KINDS)
"""Grants, of one home or, with none bound, of those that hold no rows any more."""

OF_EACH = (
    Check("share-dangling", _find_dangling, _mend_registry),
    Check("share-stale", _find_stale, _mend_registry),
    *OF_GONE,
    Check("grant-unruly", _find_unruly, _end_unruly),
    Check("share-uncovered", _find_uncovered, _cover),
)
"""The registry and the grants of one home; what the registry says is mended first."""
