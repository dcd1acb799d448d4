"""The endpoints of a smart model: list, create, retrieve, update, delete."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from smartmodels.models import SmartModel
from smartmodels.querysets import owned, without_service_owners
from smartmodels.rest.deleting import refuse_foreign_rows
from smartmodels.rest.faults import InvalidParameter
from smartmodels.rest.filters import ColumnFilter, columns_of
from smartmodels.rest.pagination import BoundedPagination
from smartmodels.rest.permissions import MembershipPermission, OwnerPermission
from smartmodels.rest.views import GenericApiViewSet

__all__ = ["RowViewSet"]

Life = Literal["living", "all"]

_TRUTH = {"true": True, "false": False}

DELETED = OpenApiParameter(
    "deleted", bool, OpenApiParameter.QUERY, description="Look among the deleted rows instead of the living."
)


class RowViewSet(GenericApiViewSet):
    """Rows of one model in the namespace of the request.

    ``fields`` names what is shown, besides the smart fields; by default all of the model's own.
    ``owner_writes_only = False`` lets every member who writes change every row; ``shows_shared = False``
    leaves out what other namespaces share. What is visible at all is decided in :meth:`get_queryset` alone;
    an action that works on deleted rows, too, says ``@action(..., life="all")``.
    """

    model: ClassVar[type[SmartModel]]
    life: ClassVar[Life] = "living"
    fields: ClassVar[tuple[str, ...] | None] = None
    owner_writes_only: ClassVar[bool] = True
    shows_shared: ClassVar[bool] = True
    keeps_reason: ClassVar[bool] = True

    permission_classes = (MembershipPermission, OwnerPermission)
    filter_backends = (ColumnFilter,)

    # Which rows

    def get_queryset(self) -> Any:
        """Return the rows that are visible here: the living, or with ``?deleted=true`` the deleted."""
        if self.life == "all":
            return owned(self.model.all_objects.all())
        return self.model.deleted_objects.all() if self.wants_deleted() else self.model.objects.all()

    def wants_deleted(self) -> bool:
        """Tell whether the request asks for deleted rows; raise InvalidParameter if that is not clear."""
        given = self.request.query_params.get("deleted", "false")
        if given.lower() not in _TRUTH:
            raise InvalidParameter("deleted", "Say true or false.")
        return _TRUTH[given.lower()]

    def get_object(self, *, lock: bool = False) -> Any:
        """Return the row of the address, locked for the transaction if asked; raise NotFound."""
        rows = self.get_queryset()
        if lock:
            rows = rows.select_for_update(of=("self",))
        row = rows.filter(pk=self.key()).first()
        if row is None:
            raise NotFound(f"There is no such {self.model._meta.verbose_name} here.")
        self.check_object_permissions(self.request, row)
        return row

    def known_parameters(self) -> frozenset[str]:
        """Return what may stand in the query string: columns and paging for the list."""
        if self.action == "list":
            return frozenset({*columns_of(self), *BoundedPagination.parameters, "ordering", "deleted"})
        return frozenset({"deleted"}) if self.action == "retrieve" else self.parameters

    # Endpoints

    @extend_schema(parameters=[DELETED])
    def list(self, request: Any) -> Response:
        """List rows, in the order in which they were made unless `ordering` says otherwise."""
        page = self.paginate_queryset(self.filter_queryset(without_service_owners(self.get_queryset())))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def create(self, request: Any) -> Response:
        """Make a row; it belongs to whoever asks."""
        serializer = self.get_serializer(data=request.data)
        with self.writing():
            serializer.is_valid(raise_exception=True)
            row = serializer.save()
        return self.created(row, serializer.data)

    def created(self, row: Any, data: Any) -> Response:
        """Answer with a new row and its address."""
        headers = {"Location": self.reverse_action("detail", args=[row.pk])}
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(parameters=[DELETED])
    def retrieve(self, request: Any, pk: str) -> Response:
        """Read one row."""
        return Response(self.get_serializer(self.get_object()).data)

    def update(self, request: Any, pk: str, *, partial: bool = False) -> Response:
        """Replace what the caller may set; optional fields that are left out keep their values."""
        with self.writing():
            row = self.get_object(lock=True)
            serializer = self.get_serializer(row, data=request.data, partial=partial)
            serializer.is_valid(raise_exception=True)
            serializer.save()
        return Response(serializer.data)

    def partial_update(self, request: Any, pk: str) -> Response:
        """Change the fields that are given."""
        return self.update(request, pk, partial=True)

    def destroy(self, request: Any, pk: str) -> Response:
        """Delete softly: the row can be restored, with what its deletion took along."""
        with self.writing():
            row = self.get_object(lock=True)
            if self.owner_writes_only:
                refuse_foreign_rows(self.request, row)
            row.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
