"""The REST API of sharing: shared rows in every list, and the grants themselves."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db.models import CharField, Q, Value

from shared_apps.sharing.models import Grant
from shared_apps.sharing.reading import (
    SCOPES,
    HomeUnavailable,
    VisibleReading,
    VisibleRows,
    check_shown,
    restricted,
    shared_row,
    versions_shown,
)
from shared_apps.sharing.serializers import GrantSerializer, NewGrantSerializer
from smartmodels.context import namespace_scope, require_namespace
from smartmodels.exceptions import NamespaceNotFound, NotPermitted, RowNotFound
from smartmodels.models import resource_model
from smartmodels.querysets import is_private, without_service_owners
from smartmodels.rest import (
    GenericApiViewSet,
    InvalidParameter,
    NotFound,
    ResourceViewSet,
    Response,
    action,
    extend,
    extend_schema,
    serializers,
)
from smartmodels.rest.access.scoping import require_within_scope
from smartmodels.rest.filtering.embedding import with_joins
from smartmodels.rest.lists import Window, keep_private
from smartmodels.rest.served import path_of
from smartmodels.rest.viewsets import DELETED
from smartmodels.sharing import GrantRole, accept, decline, revoke, share
from smartmodels.tenancy.models import Role
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["GrantViewSet", "SharedRows"]

_DIRECTIONS = ("in", "out")
_READS = frozenset({"retrieve", "history", "version"})
"""What is done with a shared row without changing it."""


def _choice(request: Any, name: str, choices: tuple[str, ...], default: str) -> str:
    given: str = request.query_params.get(name, default)
    if given not in choices:
        raise InvalidParameter(name, f"One of {', '.join(choices)}.")
    return given


def _target(slug: str) -> Any:
    try:
        return find_namespace(slug)
    except NamespaceNotFound as error:
        message = "There is no namespace of this name: ask those you share with how theirs is spelled."
        raise serializers.ValidationError({"namespace": message}, code="does-not-exist") from error


@extend(ResourceViewSet)
class SharedRows:
    """Show what others share with the namespace: in lists (``?scope=``), and one by one."""

    shows_others = False
    """Whether what is answered is about a row of another namespace."""

    def known_parameters(self: Any) -> frozenset[str]:
        """Add ``scope`` to what may stand in the query string of a list."""
        known: frozenset[str] = super().known_parameters()  # type: ignore[misc]
        return known | {"scope"} if self.is_listing and self.shows_shared else known

    def get_serializer_class(self: Any) -> Any:
        """Return the serializer; of a row of another namespace it shows no more than ``view_fields``."""
        kind = super().get_serializer_class()  # type: ignore[misc]
        return restricted(kind, self.model) if self.shows_others else kind

    # Lists

    @property
    def _scope(self: Any) -> str:
        return _choice(self.request, "scope", SCOPES, "all")

    def _mixes(self: Any) -> bool:
        """Tell whether the list may show rows of others: those that live now."""
        if not (self.is_listing and self.shows_shared) or self._scope == "own" or is_private():
            return False
        return not (self.wants_deleted() or self.wants_past())

    def get_queryset(self: Any) -> Any:
        """Return the own rows, and none of these where only those of others are wanted."""
        own = super().get_queryset()  # type: ignore[misc]
        wanted = not (self.is_listing and self.shows_shared) or self._scope != "shared"
        return own if wanted else own.none()

    def selected(self: Any) -> Any:
        """Return the rows that the request selects, those of others among them."""
        if not self._mixes():
            return super().selected()  # type: ignore[misc]
        selection = self.select(Q(home=require_namespace().slug))
        check_shown(self, *self._asked_for())
        if self._scope == "shared":
            return VisibleRows(self, selection, None)
        own = without_service_owners(self.get_queryset())
        if (selection.given or {}).get("where"):
            # Conditions on related rows are about rows that are at home here.
            own = own.annotate(home=Value(require_namespace().slug, output_field=CharField()))
        return VisibleRows(self, selection, with_joins(self, selection.of(own)))

    def reading(self: Any, rows: Any, selection: Any, *, written: bool = True) -> Any:
        """Return how the rows of a list are read, those of others as these are shown."""
        if isinstance(rows, VisibleRows):
            return VisibleReading(self, selection, written=written)
        return super().reading(rows, selection, written=written)  # type: ignore[misc]

    def first_of(self: Any, rows: Any) -> Any:
        """Return the first of the rows that were selected."""
        if not isinstance(rows, VisibleRows):
            return super().first_of(rows)  # type: ignore[misc]
        reading = self.reading(rows, self.selection, written=False)
        found = rows.find(Window(self.selection.order, 1, self.selection.skip), 1, reading.read)
        return found[0].row if found else None

    # One row

    def get_object(self: Any, *, lock: bool = False) -> Any:
        """Return an own row, or to read one that is shared; raise NotPermitted for a write to such a row."""
        try:
            return super().get_object(lock=lock)  # type: ignore[misc]
        except NotFound:
            hides = self.wants_past() or self.wants_deleted() or not self.shows_shared
            row = None if hides else shared_row(self.model, self.key())
            if row is None:
                raise
        if self.action not in _READS:
            raise NotPermitted(
                f"This {self.model._meta.verbose_name} is shared with this namespace for reading: "
                "it is changed at its home."
            )
        self.shows_others = True
        return row

    @extend_schema(parameters=[DELETED])
    def retrieve(self: Any, request: Any, pk: str) -> Response:
        """Read one row; of the filter, `fields` and `include` count here."""
        try:
            answer: Response = super().retrieve(request, pk)  # type: ignore[misc]
        except HomeUnavailable as error:
            return keep_private(Response(error.card))
        return answer

    def at_home_of(self: Any, row: Any) -> AbstractContextManager[Any]:
        """Return the context in which what belongs to a row is read: its home."""
        return namespace_scope(row.grant.home) if self.shows_others else nullcontext()

    def versions_of(self: Any, row: Any) -> Any:
        """Return the versions of a row that are shown here, newest first."""
        versions = super().versions_of(row)  # type: ignore[misc]
        return versions_shown(row, versions) if self.shows_others else versions


class GrantViewSet(GenericApiViewSet):
    """Who sees what: rows of this namespace that others see, and rows of others that it sees."""

    serializer_class = GrantSerializer
    queryset = Grant.objects.none()
    scope_of_writes = "manage"
    further_statuses = ("404",)

    def known_parameters(self) -> frozenset[str]:
        """Add ``direction`` to what may stand in the query string of the list."""
        known = super().known_parameters()
        return known | {"direction"} if self.action == "list" else known

    def get_queryset(self) -> Any:
        """Return the grants from and to the namespace, newest first."""
        here = require_namespace().pk
        grants = Grant.objects.select_related("resource", "home", "target").order_by("-created_at", "-pk")
        return grants.filter(Q(home_id=here) | Q(target_id=here))

    def _require_manager(self) -> None:
        membership: Any = self.request._request.membership  # type: ignore[attr-defined]
        if not Role(membership.role).manages:
            raise NotPermitted("Sharing is for the owner and the admins of a namespace: ask one of them.")

    def _grant(self, pk: str, side: str) -> Any:
        """Return the grant of the address if the namespace stands on this side of it."""
        self._require_manager()
        grants = self.get_queryset().filter(**{f"{side}_id": require_namespace().pk})
        grant = grants.filter(pk=self.key()).first()
        if grant is None:
            raise RowNotFound("There is no such grant here.")
        return grant

    def list(self, request: Any) -> Response:
        """List grants; `direction=in` those to this namespace, `direction=out` those from it."""
        grants = self.get_queryset()
        if "direction" in request.query_params:
            side = {"in": "target_id", "out": "home_id"}[_choice(request, "direction", _DIRECTIONS, "in")]
            grants = grants.filter(**{side: require_namespace().pk})
        page = self.paginate_queryset(grants)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=NewGrantSerializer, responses={201: GrantSerializer})
    def create(self, request: Any) -> Response:
        """Share a row: active at once if you manage the other namespace too, else once it is accepted."""
        self._require_manager()
        given = NewGrantSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        model = resource_model(asked["resource_type"])
        row = model.objects.filter(pk=asked["resource_id"]).first()
        if row is None:
            raise RowNotFound(f"There is no such {model._meta.verbose_name} here.")
        # Who may not read a row, or not write it, cannot let others do so.
        needed = "read" if asked["role"] == GrantRole.VIEW else "write"
        require_within_scope(request, str(path_of(model)), needed)
        target = _target(asked["namespace"])
        with self.writing():
            grant = share(row, target, role=asked["role"], expires_at=asked["expires_at"])
        return Response(self.get_serializer(grant).data, status=201)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def accept(self, request: Any, pk: str) -> Response:
        """Accept a pending grant to this namespace."""
        return Response(self.get_serializer(accept(self._grant(pk, "target"))).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def decline(self, request: Any, pk: str) -> Response:
        """Decline a pending grant to this namespace."""
        return Response(self.get_serializer(decline(self._grant(pk, "target"))).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Any, pk: str) -> Response:
        """Take back a grant from this namespace: the row is no longer visible there from now on."""
        return Response(self.get_serializer(revoke(self._grant(pk, "home"))).data)
