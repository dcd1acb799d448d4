"""Offer rows as a request asks: one, or an array of which all or none are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from shared_apps.sharing.grants.serializers import NewGrantSerializer
from smartmodels.context import require_namespace
from smartmodels.exceptions import NotPermitted, RowNotFound, SmartModelsError
from smartmodels.models import resource_model
from smartmodels.ownership import may_change
from smartmodels.querysets import is_private
from smartmodels.rest import Problem, Refused, problem_of
from smartmodels.rest.access.scoping import require_within_scope
from smartmodels.rest.bulk import BULK_MAX
from smartmodels.rest.bulk.items import Item, faulty, items_of, refuse_faulty
from smartmodels.rest.served import path_of
from smartmodels.sharing import GrantRole, Sharing, policy_of, share_many, share_with_users
from smartmodels.tenancy.models import Role

__all__ = ["offer_many", "offer_one"]

_WHAT = ("resource_type", "resource_id", "namespace", "user")


def offer_one(request: Any, data: Any) -> Any:
    """Share the row that the body names; return the grant. Raises as ``share`` does, and for a bad body."""
    given = NewGrantSerializer(data=data)
    given.is_valid(raise_exception=True)
    asked = given.validated_data
    row = _row(request, asked)
    [grant] = _shared([row], _whom(asked), _terms(asked))
    return grant


def offer_many(request: Any, data: Sequence[Any]) -> list[Any]:
    """Share what the array names, all or none; return the grants in its order.

    The number of queries grows with kinds of rows, targets and terms, not with rows. Raises Refused with
    every fault.
    """
    if len(data) > BULK_MAX:
        message = f"{len(data)} offers are more than {BULK_MAX}: send several requests."
        raise Refused(Problem(413, "too-many-rows", message, details={"most": BULK_MAX}))
    items = items_of(data)
    for item in items:
        _read(request, item)
    refuse_faulty(items)
    alike: dict[Any, list[Item]] = defaultdict(list)
    for item in items:
        terms = tuple(sorted(_terms(item.given).items(), key=lambda pair: pair[0]))
        alike[type(item.row), _whom(item.given), terms].append(item)
    made: dict[int, Any] = {}
    for (_, whom, terms), some in alike.items():
        try:
            grants = _shared([item.row for item in some], whom, dict(terms))
        except SmartModelsError as error:
            _refuse(some, error)
            continue
        made |= {id(item): grant for item, grant in zip(some, grants, strict=True)}
    refuse_faulty(items)
    return [made[id(item)] for item in items]


def _whom(asked: Any) -> str:
    """Return the name that is offered to: of a namespace, or in private mode of a user."""
    return str(asked["user"] if is_private() else asked["namespace"])


def _shared(rows: Sequence[Any], whom: str, terms: Any) -> list[Any]:
    if not is_private():
        return share_many(rows, [whom], **terms)
    return share_with_users(rows, [whom], **terms)


def _read(request: Any, item: Item) -> None:
    given = NewGrantSerializer(data=item.data)
    if not given.is_valid():
        item.refuse_all(given.errors)
        return
    item.given = given.validated_data
    try:
        item.row = _row(request, item.given)
    except (SmartModelsError, Refused) as error:
        _refuse([item], error)


def _refuse(items: Sequence[Item], error: Exception) -> None:
    problem = problem_of(error)
    if problem is None or problem.status >= 500:
        raise error
    for item in items:
        item.refuse_as(problem)
    if not faulty(items):
        raise error


def _terms(asked: Any) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name not in _WHAT}


def _row(request: Any, asked: Any) -> Any:
    """Return the row to share; raise RowNotFound, NotPermitted, or Refused where scopes do not allow it."""
    model = resource_model(asked["resource_type"])
    row = model.objects.filter(pk=asked["resource_id"]).first()
    if row is None:
        raise RowNotFound(f"There is no such {model._meta.verbose_name} here.")
    _require_sharer(request, row)
    # Who may not read a row, or not write it, cannot let others do so.
    needed = "read" if asked["role"] == GrantRole.VIEW else "write"
    require_within_scope(request, str(path_of(model)), needed)
    return row


def _require_sharer(request: Any, row: Any) -> None:
    role = Role(request._request.membership.role)
    if role.manages or (is_private() and role.writes):
        return
    shares_freely = policy_of(require_namespace()).outbound == Sharing.AUTO
    if not shares_freely or not may_change(role, request.user.pk, row):
        raise NotPermitted("Sharing is for the owner and the admins of a namespace: ask one of them.")
