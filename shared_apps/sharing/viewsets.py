"""The REST API of sharing: shared rows in every list, and the grants themselves."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db.models import CharField, Q, Value

from shared_apps.sharing.grants import viewers  # noqa: F401 - every resource says who can see a row
from shared_apps.sharing.grants.policy import SharingPolicyView
from shared_apps.sharing.grants.viewsets import GrantViewSet
from shared_apps.sharing.needing import TO_WRITE, require_to_read
from shared_apps.sharing.reading import (
    HomeUnavailable,
    VisibleReading,
    VisibleRows,
    check_shown,
    restricted,
    shared_row,
    versions_shown,
)
from shared_apps.sharing.writing import SharedWrites
from smartmodels.context import require_namespace
from smartmodels.querysets import without_service_owners
from smartmodels.rest import (
    InvalidParameter,
    NotFound,
    OpenApiParameter,
    ResourceViewSet,
    Response,
    extend,
    extend_schema,
)
from smartmodels.rest.filtering.embedding import with_joins
from smartmodels.rest.lists import Window, keep_private
from smartmodels.rest.viewsets import DELETED
from smartmodels.sharing import VISIBLE, at_home

__all__ = ["GrantViewSet", "SharedRows", "SharingPolicyView"]


def _choice(request: Any, name: str, choices: tuple[str, ...], default: str) -> str:
    given: str = request.query_params.get(name, default)
    if given not in choices:
        raise InvalidParameter(name, f"One of {', '.join(choices)}.")
    return given


LEFT_OUT = "Homes-Left-Out"
_LEFT_OUT = OpenApiParameter(
    LEFT_OUT,
    {"type": "string", "examples": ["acme, reef"]},
    OpenApiParameter.HEADER,
    description="The namespaces whose shared rows are not among these, since they cannot be judged by the "
    "filter or order just now: they are in maintenance, or being migrated. Not there if nothing is left out.",
    response=["200"],
)
_SCOPE = OpenApiParameter(
    "scope",
    {"type": "string", "enum": list(VISIBLE), "default": "all"},
    description="Everything that is visible here, the namespace's own rows, or what others share with it. "
    "With `as_of` it is `own`.",
)


@extend(ResourceViewSet)
class SharedRows(SharedWrites):
    """Show what others share with the namespace: in lists (``?scope=``), and one by one."""

    shows_others = False
    """Whether what is answered is about a row of another namespace."""

    def known_parameters(self: Any) -> frozenset[str]:
        """Add ``scope`` to what may stand in the query string of a list."""
        known: frozenset[str] = super().known_parameters()  # type: ignore[misc]
        return known | {"scope"} if self.is_listing and self.shows_shared else known

    def described_parameters(self: Any) -> list[OpenApiParameter]:
        """Describe ``scope`` where it may stand, and the header that tells which homes are left out."""
        return [_SCOPE, _LEFT_OUT] if self.is_listing and self.shows_shared else []

    def get_serializer_class(self: Any) -> Any:
        """Return the serializer; of a row of another namespace it shows no more than ``view_fields``."""
        kind = super().get_serializer_class()  # type: ignore[misc]
        return restricted(kind, self.model) if self.shows_others else kind

    # Lists

    visible: VisibleRows | None = None
    """What the request lists, where rows of others may be among it."""

    def finalize_response(self: Any, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell which homes' rows are left out of a list, as far as it was read."""
        answer = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        if self.visible is not None and self.visible.unread:
            answer[LEFT_OUT] = ", ".join(self.visible.unread)
        return answer

    @property
    def _scope(self: Any) -> str:
        scope = _choice(self.request, "scope", VISIBLE, "all")
        if scope != "own" and "scope" in self.request.query_params and self.wants_past():
            raise InvalidParameter(
                "scope", "The past of a list is that of the namespace's own rows: say scope=own, or no as_of."
            )
        return scope

    def _mixes(self: Any) -> bool:
        """Tell whether the list may show rows of others: those that live now."""
        if not (self.is_listing and self.shows_shared) or self._scope == "own":
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
        self.visible = VisibleRows(self, selection, self._own_selected(selection))
        return self.visible

    def _own_selected(self: Any, selection: Any) -> Any | None:
        """Return the own rows that the request selects; None where they are left out."""
        if self._scope == "shared":
            return None
        own = without_service_owners(self.get_queryset())
        if (selection.given or {}).get("where"):
            # Conditions on related rows are about rows that are at home here.
            own = own.annotate(home=Value(require_namespace().slug, output_field=CharField()))
        return with_joins(self, selection.of(own))

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
        """Return the row of the address: an own one, else one that is shared, as its grant allows.

        Raises NotFound, and NotPermitted for what the grant does not allow.
        """
        try:
            return super().get_object(lock=lock)  # type: ignore[misc]
        except NotFound:
            if not self.shows_shared:
                raise
            row = None if self.action in TO_WRITE else self._shared_to_read()
            if row is None and self.action not in TO_WRITE:
                raise
        return self.shared_to_write() if row is None else row

    def _shared_to_read(self: Any) -> Any | None:
        if self.wants_past() or self.wants_deleted():
            return None
        row = shared_row(self.model, self.key())
        if row is not None:
            require_to_read(self.action, row.granted_role, str(self.model._meta.verbose_name))
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
        return at_home(row.grant) if self.shows_others else nullcontext()

    def versions_of(self: Any, row: Any) -> Any:
        """Return the versions of a row that are shown here, newest first."""
        versions = super().versions_of(row)  # type: ignore[misc]
        return versions_shown(row, versions) if self.shows_others else versions

    def tells_who(self: Any, version: Any) -> bool:
        """Tell who made a version of a row of another namespace only if it came through this one."""
        here = self.request._request.namespace.slug
        return not self.shows_others or version.via_namespace == here
