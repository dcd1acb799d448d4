"""Grants over REST: offered, answered, changed and taken back, and what happened to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from shared_apps.sharing.grants.offers import offer_many, offer_one
from shared_apps.sharing.grants.serializers import (
    GrantEventSerializer,
    GrantSerializer,
    NewGrantSerializer,
    ReshareSerializer,
    TermsSerializer,
)
from shared_apps.sharing.grants.sides import SIDES, of_side
from shared_apps.sharing.models import Grant, GrantEvent
from smartmodels.context import require_namespace
from smartmodels.exceptions import NotPermitted, RowNotFound
from smartmodels.querysets import is_private
from smartmodels.rest import (
    GenericApiViewSet,
    InvalidParameter,
    OpenApiParameter,
    Response,
    action,
    extend_schema,
)
from smartmodels.rest.bulk import BULK_MAX, IdempotencyMixin, RehearsalMixin
from smartmodels.rest.shapes import BLANK_OR_TEXT
from smartmodels.sharing import (
    LIVING,
    GrantStatus,
    accept,
    change_terms,
    decline,
    leave,
    reshare,
    revoke,
)
from smartmodels.tenancy.models import Role

__all__ = ["GrantViewSet"]

_FILTERS = [
    OpenApiParameter(
        "direction", str, enum=list(SIDES), description="To this namespace, from it, or passed on by it."
    ),
    OpenApiParameter("status", str, enum=GrantStatus.values),
    OpenApiParameter(
        "resource_type", {"type": "string", "pattern": BLANK_OR_TEXT}, description="Such as research.study."
    ),
    OpenApiParameter("resource_id", {"type": "string", "format": "uuid"}),
]
_DIRECTION = _FILTERS[:1]


def _choice(request: Any, name: str, known: Any) -> str:
    given: str = request.query_params[name]
    if given not in known:
        raise InvalidParameter(name, f"One of {', '.join(known)}.")
    return given


def _key(given: str) -> uuid.UUID:
    try:
        return uuid.UUID(given)
    except ValueError as error:
        raise InvalidParameter("resource_id", "The key of a row is needed.") from error


class GrantViewSet(IdempotencyMixin, RehearsalMixin, GenericApiViewSet):
    """Who sees what: rows of this namespace that others see, and rows of others that it sees."""

    serializer_class = GrantSerializer
    queryset = Grant.objects.none()
    scope_of_writes = "manage"
    further_statuses = ("404",)
    keeps_reason = True

    def known_parameters(self) -> frozenset[str]:
        """Add the filters to what may stand in the query string of lists."""
        filters = {"list": _FILTERS, "events": _DIRECTION, "events_of": []}.get(self.action)
        if filters is None:
            return super().known_parameters()
        return self.pagination_class.parameters | {each.name for each in filters}  # type: ignore[no-any-return]

    def get_queryset(self) -> Any:
        """Return the grants from and to the namespace, and those that it passed on, newest first."""
        grants = Grant.objects.select_related("resource", "home", "target", "passer").order_by(
            "-created_at", "-pk"
        )
        return grants.filter(_on_any(SIDES.values()))

    def _grant(self, *sides: str) -> Any:
        """Return the grant of the address, if it has the namespace on such a side; raise RowNotFound."""
        grants = self.get_queryset().filter(pk=self.key())
        if sides:
            membership: Any = self.request._request.membership  # type: ignore[attr-defined]
            if not is_private() and not Role(membership.role).manages:
                raise NotPermitted("Sharing is for the owner and the admins of a namespace: ask one of them.")
            grants = grants.filter(_on_any(sides))
        grant = grants.first()
        if grant is None:
            raise RowNotFound("There is no such grant here.")
        return grant

    def _shown(self, grant: Any, status: int = 200) -> Response:
        return Response(self.get_serializer(grant).data, status=status)

    # Read

    @extend_schema(parameters=_FILTERS)
    def list(self, request: Any) -> Response:
        """List grants, newest first; `direction=in` those to this namespace, `out` those from it.

        `passed` are those of rows of others that it passed on.
        """
        page = self.paginate_queryset(self._chosen(request))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def _chosen(self, request: Any) -> Any:
        grants, given = self.get_queryset(), request.query_params
        if "direction" in given:
            grants = grants.filter(of_side(SIDES[_choice(request, "direction", SIDES)]))
        if "status" in given:
            grants = grants.filter(_in_status(_choice(request, "status", GrantStatus.values)))
        if "resource_type" in given:
            grants = grants.filter(model=given["resource_type"])
        if "resource_id" in given:
            grants = grants.filter(row_id=_key(given["resource_id"]))
        return grants

    def retrieve(self, request: Any, pk: str) -> Response:
        """Read one grant."""
        return self._shown(self._grant())

    @extend_schema(
        operation_id="grants_all_events_list", parameters=_DIRECTION,
        responses=GrantEventSerializer(many=True),
    )  # fmt: skip
    @action(detail=False)
    def events(self, request: Any) -> Response:
        """List what happened to grants of this namespace, newest first, also to those gone since."""
        is_one = "direction" in request.query_params
        sides = (_choice(request, "direction", SIDES),) if is_one else tuple(SIDES)
        if is_private():
            # Whose rows they are about is said by what is there: events do not know it.
            about = Grant.objects.filter(_on_any(SIDES[each] for each in sides))
            return self._events(GrantEvent.objects.filter(grant_id__in=about.values("pk")))
        here = reduce(or_, (Q(**{f"{SIDES[each]}_id": require_namespace().pk}) for each in sides))
        return self._events(GrantEvent.objects.filter(here, to_user_id=None))

    @extend_schema(operation_id="grants_events_list", responses=GrantEventSerializer(many=True))
    @action(detail=True, url_path="events")
    def events_of(self, request: Any, pk: str) -> Response:
        """List what happened to one grant, newest first."""
        return self._events(GrantEvent.objects.filter(grant_id=self._grant().pk))

    def _events(self, events: Any) -> Response:
        page: Any = self.paginate_queryset(events.order_by("-id"))
        return self.get_paginated_response(GrantEventSerializer(page, many=True).data)

    # Share

    def describe_body(self, schema: Any) -> Any:
        """Return the JSON schema of the body of a POST, for the OpenAPI document: one offer, or an array."""
        if self.action != "create":
            return None
        one = schema.resolve_serializer(NewGrantSerializer(), "request").ref
        return {"oneOf": [one, {"type": "array", "maxItems": BULK_MAX, "items": one}]}

    def describe_answers(self, schema: Any) -> Any:
        """Return the JSON schema of the answer to one."""
        if self.action != "create":
            return {}
        one = schema.resolve_serializer(GrantSerializer(), "response").ref
        return {"201": {"oneOf": [one, {"type": "array", "items": one}]}}

    @extend_schema(request=NewGrantSerializer, responses={201: GrantSerializer})
    def create(self, request: Any) -> Response:
        """Share a row, or an array of rows: active at once if you manage both sides, else an offer.

        All or none. The other side accepts or declines within 14 days. An offer to a name that
        no namespace has looks like any other.
        """
        if isinstance(request.data, list):
            with self.writing():
                grants = offer_many(request, request.data)
            return Response(self.get_serializer(grants, many=True).data, status=201)
        with self.writing():
            grant = offer_one(request, request.data)
        return self._shown(grant, 201)

    # Answer

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def accept(self, request: Any, pk: str) -> Response:
        """Accept a pending grant to this namespace."""
        return self._step(accept, "target")

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def decline(self, request: Any, pk: str) -> Response:
        """Decline a pending grant to this namespace."""
        return self._step(decline, "target")

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def leave(self, request: Any, pk: str) -> Response:
        """Give an accepted grant to this namespace back: the row is no longer visible here."""
        return self._step(leave, "target")

    @extend_schema(request=ReshareSerializer, responses={201: GrantSerializer})
    @action(detail=True, methods=["post"])
    def reshare(self, request: Any, pk: str) -> Response:
        """Pass a row on that may be passed on: for no more, and no longer, than it is shared."""
        with self.writing():
            grant = self._grant("target")
            given = ReshareSerializer(data=request.data)
            given.is_valid(raise_exception=True)
            asked = dict(given.validated_data)
            made = reshare(grant, asked.pop("namespace"), **asked)
        return self._shown(made, 201)

    # Change and take back

    @extend_schema(request=TermsSerializer)
    def partial_update(self, request: Any, pk: str) -> Response:
        """Change what a grant from this namespace allows, and until when."""
        with self.writing():
            grant = self._grant("home")
            given = TermsSerializer(data=request.data, partial=True)
            given.is_valid(raise_exception=True)
            grant = change_terms(grant, **given.validated_data)
        return self._shown(grant)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Any, pk: str) -> Response:
        """Take back a grant that this namespace gave or passed on: the row is no longer visible there."""
        return self._step(revoke, "home", "passer")

    def _step(self, step: Any, *sides: str) -> Response:
        with self.writing():
            grant = step(self._grant(*sides))
        return self._shown(grant)


def _on_any(sides: Iterable[str]) -> Q:
    """Return the condition for grants of which the request stands on any of these sides."""
    return reduce(or_, map(of_side, sides))


def _in_status(status: str) -> Q:
    """Return the condition for grants that are in a status by the clock, whoever noted that already."""
    over = Q(status__in=LIVING, expires_at__lte=Now()) | Q(status=GrantStatus.PENDING, answer_by__lte=Now())
    if status == GrantStatus.EXPIRED:
        return Q(status=status) | over
    return Q(status=status) & ~over if status in LIVING else Q(status=status)
