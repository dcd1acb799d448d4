"""The endpoints of a smart model: list, create, retrieve, update, delete."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response

from smartmodels.models import SmartModel
from smartmodels.querysets import owned
from smartmodels.rest.deleting import refuse_foreign_return, refuse_foreign_rows
from smartmodels.rest.filtering import RELATED, FilterMixin, SelectionFilter, narrow, searching
from smartmodels.rest.lists import (
    ListPagination,
    RowSchema,
    answer_list,
    answer_row,
    check_row,
    past_of,
    reading_of,
    rows_as_of,
)
from smartmodels.rest.permissions import MembershipPermission, OwnerPermission
from smartmodels.rest.preferring import truth_in
from smartmodels.rest.renderers import EXPORTS, ExportRenderer, FormNegotiation, export_list
from smartmodels.rest.views import GenericApiViewSet

__all__ = ["RowViewSet"]

Life = Literal["living", "all"]

DELETED = OpenApiParameter(
    "deleted", bool, OpenApiParameter.QUERY, description="Look among the deleted rows instead of the living."
)


class RowViewSet(FilterMixin, GenericApiViewSet):
    """Rows of one model in the namespace of the request.

    ``fields`` names what is shown, besides the smart fields; by default all of the model's own.
    ``owner_writes_only = False`` lets every member who writes change every row; ``requires_if_match``
    refuses writes that do not say which state of the row they go by; ``shows_shared = False`` leaves out
    what other namespaces share. What is visible at all is decided in :meth:`get_queryset` alone; an action
    that works on deleted rows, too, says ``@action(..., life="all")``.
    """

    model: ClassVar[type[SmartModel]]
    life: ClassVar[Life] = "living"
    fields: ClassVar[tuple[str, ...] | None] = None
    owner_writes_only: ClassVar[bool] = True
    shows_shared: ClassVar[bool] = True
    keeps_reason: ClassVar[bool] = True
    requires_if_match: ClassVar[bool] = False

    schema = RowSchema()
    pagination_class = ListPagination
    content_negotiation_class = FormNegotiation
    permission_classes = (MembershipPermission, OwnerPermission)
    filter_backends = (SelectionFilter,)

    # Which rows

    def get_queryset(self) -> Any:
        """Return the rows that are visible here: the living, or with ``?deleted=true`` the deleted."""
        if self.life == "all":
            return owned(self.model.all_objects.all())
        if (moment := past_of(self.request)) is not None:
            return rows_as_of(self.model, moment, deleted=self.wants_deleted())
        return self.model.deleted_objects.all() if self.wants_deleted() else self.model.objects.all()

    def wants_deleted(self) -> bool:
        """Tell whether the request asks for deleted rows; raise InvalidParameter if that is not clear."""
        if self.action == RELATED:
            return False
        return truth_in(self.request, "deleted")

    def wants_past(self) -> bool:
        """Tell whether the request asks for rows as they were; raise InvalidParameter if it is unclear."""
        return past_of(self.request) is not None

    def get_object(self, *, lock: bool = False) -> Any:
        """Return the row of the address, locked for the transaction if asked; raise NotFound."""
        rows = self.get_queryset()
        if lock:
            rows = rows.select_for_update(of=("self",))
        row = rows.filter(**{self.model._meta.pk.attname: self.key()}).first()
        if row is None:
            raise NotFound(f"There is no such {self.model._meta.verbose_name} here.")
        self.check_object_permissions(self.request, row)
        return row

    def read_again(self, row: Any) -> Any:
        """Return the row as it was just written."""
        return self.get_queryset().get(pk=row.pk)

    def refuse_deletion(self, row: Any) -> None:
        """Refuse to delete a locked row for what goes along with it that the caller may not delete."""
        refuse_foreign_rows(self.request, row, by_owner=self.owner_writes_only)

    def refuse_return(self, row: Any) -> None:
        """Refuse to restore a locked row for what comes back with it that the caller may not restore."""
        refuse_foreign_return(self.request, row)

    def check_version(self, row: Any, version: int) -> None:
        """Refuse to bring a row back to a version of which the caller may not know."""

    def wish(self, kind: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """Return what the body says about one row; whose row it is comes before what is wrong with that."""
        asked = kind(data=self.request.data or {})
        if not asked.is_valid():
            self.get_object()
            raise ValidationError(asked.errors)
        wish: dict[str, Any] = asked.validated_data
        return wish

    def reading(self, rows: Any, selection: Any, *, written: bool = True) -> Any:
        """Return how the rows of a list are read and written: see :func:`reading_of`."""
        return reading_of(self, rows.model, selection, written=written)

    def get_renderers(self) -> Any:
        """Return the forms in which the action can be answered: lists as files, too."""
        return [*super().get_renderers(), *(form() for form in EXPORTS if self.action == "list")]

    # Endpoints

    @extend_schema(parameters=[DELETED])
    def list(self, request: Any) -> HttpResponseBase:
        """List rows, in the order in which they were made unless the filter says otherwise."""
        return self.page()

    def page(self) -> HttpResponseBase:
        """Answer with the rows that the request selects: a page of them, or a file of all."""
        rows = self.selected()
        with searching(self.selection):
            if isinstance(self.request.accepted_renderer, ExportRenderer):
                return export_list(self, rows, self.selection)
            return answer_list(self, rows, self.selection)

    def create(self, request: Any) -> Response:
        """Make a row; it belongs to whoever asks."""
        serializer = self.get_serializer(data=request.data)
        with self.writing():
            serializer.is_valid(raise_exception=True)
            row = serializer.save()
            shown = serializer.data
        return self.created(row, shown)

    def created(self, row: Any, data: Any) -> Response:
        """Answer with a new row and its address."""
        headers = {"Location": self.reverse_action("detail", args=[row.pk])}
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(parameters=[DELETED])
    def retrieve(self, request: Any, pk: str) -> Response:
        """Read one row; of the filter, `fields` and `include` count here."""
        selection, row = self.select(), self.get_object()
        data = self.get_serializer(row).data
        return answer_row(self, row, data, narrow(row, data, selection))

    def update(self, request: Any, pk: str, *, partial: bool = False) -> Response:
        """Replace what the caller may set; optional fields that are left out keep their values."""
        with self.writing():
            row = self.get_object(lock=True)
            check_row(self, row)
            serializer = self.get_serializer(row, data=request.data, partial=partial)
            serializer.is_valid(raise_exception=True)
            row = serializer.save()
            return answer_row(self, row, self.get_serializer(row).data)

    def partial_update(self, request: Any, pk: str) -> Response:
        """Change the fields that are given."""
        return self.update(request, pk, partial=True)

    def destroy(self, request: Any, pk: str) -> Response:
        """Delete softly: the row can be restored, with what its deletion took along."""
        with self.writing():
            row = self.get_object(lock=True)
            check_row(self, row)
            self.refuse_deletion(row)
            row.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
