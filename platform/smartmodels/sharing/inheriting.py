"""New rows are visible where what they belong to is, and their creator (``INHERIT_NAMESPACES``)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from smartmodels.conf import settings
from smartmodels.context import require_namespace, require_operation
from smartmodels.querysets import is_private
from smartmodels.sharing.covering import covering_grants, follow, inherited_lately, keys_above
from smartmodels.sharing.grants import GrantCause, get_grant_model
from smartmodels.sharing.offering import Receiver, grant_rows
from smartmodels.sharing.policies import Sharing, policy_of
from smartmodels.sharing.registering import label_of, register
from smartmodels.sharing.speaking import speaks_for
from smartmodels.sharing.terms import Terms, takes_in
from smartmodels.tenancy.models import Role, State, get_membership_model, get_namespace_model
from smartmodels.tenancy.triggers import quoted

__all__ = ["inherit_grants", "inherits_grants"]

_FRESH = 5.0
"""Seconds for which one operation asks only once what its new rows inherit."""

_SQL = """
    SELECT DISTINCT g.model, NULL::uuid FROM {grants} g
    WHERE g.home_id = %s AND g.covers_below AND g.status IN ('pending', 'active', 'suspended')
    UNION ALL SELECT NULL, m.namespace_id FROM {members} m JOIN {namespaces} n ON n.id = m.namespace_id
    WHERE m.user_id = %s AND m.namespace_id <> %s AND n.state = %s
"""


@dataclass(frozen=True, slots=True)
class _Inherited:
    """What new rows of an operation in a namespace inherit: from rows of these models, for these others."""

    about: tuple[uuid.UUID, uuid.UUID]
    known_until: float
    covering: frozenset[str]
    elsewhere: tuple[uuid.UUID, ...]


def inherits_grants(model: Any) -> bool:
    """Tell whether new rows of a model may inherit grants: :func:`inherit_grants` makes none otherwise."""
    if is_private() or not model.smart.shareable:
        return False
    inherited = _inherited(require_namespace())
    return bool(inherited.covering or inherited.elsewhere)


def inherit_grants(rows: Sequence[Any]) -> int:
    """Grant new rows of one model as ``INHERIT_NAMESPACES`` says; return how many grants were made.

    Rows are granted like what they belong to, where a grant covers that (:attr:`Terms.covers_below`):
    somebody decided so, and rows that are moved there follow as well. Also they are to the other namespaces
    of who creates them: with ``home`` to none; with ``family`` at once where those are owned by an owner of
    this one, pending elsewhere; with ``all`` at once. The policies of both sides hold; of a home that lets
    nothing out nothing new is granted. Where nothing is inherited an operation costs one query, however many
    rows it makes.
    """
    model, home = type(rows[0]), require_namespace()
    if not inherits_grants(model):
        return 0
    inherited, policy = _inherited(home), policy_of(home)
    if policy.outbound == Sharing.OFF:
        return 0
    above = [field for field in keys_above(model) if label_of(field.remote_field.model) in inherited.covering]
    with transaction.atomic():
        covering = {
            field: covering_grants(home, field, [getattr(row, field.attname) for row in rows])
            for field in above
        }
        following = len(follow(rows, covering, policy))
        return following + _grant_elsewhere(home, policy, rows, inherited.elsewhere)


def _inherited(home: Any) -> _Inherited:
    opened, now = require_operation(), time.monotonic()
    known: _Inherited | None = inherited_lately.get()
    if known is not None and known.about == (opened.id, home.pk) and known.known_until > now:
        return known
    models = {
        "grants": get_grant_model(), "members": get_membership_model(), "namespaces": get_namespace_model(),
    }  # fmt: skip
    sql = _SQL.format(**{name: f"public.{quoted(model._meta.db_table)}" for name, model in models.items()})
    with connection.cursor() as cursor:
        cursor.execute(sql, [home.pk, opened.owner_id, home.pk, State.ACTIVE])
        found = cursor.fetchall()
    known = _Inherited(
        (opened.id, home.pk),
        now + _FRESH,
        frozenset(label for label, _ in found if label is not None),
        () if settings().INHERIT_NAMESPACES == "home" else tuple(key for _, key in found if key is not None),
    )
    inherited_lately.set(known)
    return known


def _grant_elsewhere(home: Any, policy: Any, rows: Sequence[Any], elsewhere: Sequence[uuid.UUID]) -> int:
    if not elsewhere:
        return 0
    if policy.outbound == Sharing.APPROVE and not speaks_for(home):
        return 0
    to = [each for each in _consenting(home, elsewhere) if policy.knows(each.slug)]
    if not to:
        return 0
    registered = register(type(rows[0]), [row.pk for row in rows])
    return sum(len(grant_rows(home, registered, each, Terms(), GrantCause.DEFAULT)) for each in to)


def _consenting(home: Any, elsewhere: Sequence[uuid.UUID]) -> list[Receiver]:
    owners = set(_owners([home.pk])[home.pk])
    of_others = _owners(elsewhere)
    everywhere = settings().INHERIT_NAMESPACES == "all"
    made = []
    for namespace in get_namespace_model().objects.filter(pk__in=elsewhere):
        policy = policy_of(namespace)
        if not takes_in(policy, home, Terms()):
            continue
        at_once = everywhere or policy.inbound == Sharing.AUTO or owners & set(of_others[namespace.pk])
        made.append(Receiver(namespace.slug, namespace, consents=bool(at_once)))
    return made


def _owners(namespaces: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    found: dict[uuid.UUID, list[uuid.UUID]] = {key: [] for key in namespaces}
    members = get_membership_model().objects.filter(namespace_id__in=namespaces, role=Role.OWNER)
    for namespace, user in members.values_list("namespace_id", "user_id"):
        found[namespace].append(user)
    return found
