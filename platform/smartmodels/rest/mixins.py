"""Mixins for viewsets that compose one by one: whose rows are served, and whether they are only read."""

from __future__ import annotations

from typing import Any, ClassVar

from smartmodels.ownership import rows_of

__all__ = ["NamespaceRowsMixin", "OwnRowsMixin", "ReadOnlyMixin"]


class OwnRowsMixin:
    """Serves the caller's own rows: those of others, also shared ones, are neither listed nor found.

    Such as::

        class MyStudies(OwnRowsMixin, ResourceViewSet):
            model = Study
            serializer_class = derive_serializer(Study)
    """

    shows_shared: ClassVar[bool] = False

    def get_queryset(self: Any) -> Any:
        """Return the caller's own among the rows, living or deleted."""
        return rows_of(super().get_queryset(), self.request.user.pk)  # type: ignore[misc]


class NamespaceRowsMixin:
    """Serves the namespace's own rows, which every member whose role writes may change.

    Rows that other namespaces share are left out; what else a deletion would take along may be
    anybody's. Such as::

        class OurStudies(NamespaceRowsMixin, ResourceViewSet):
            model = Study
            serializer_class = derive_serializer(Study)
    """

    shows_shared: ClassVar[bool] = False
    owner_writes_only: ClassVar[bool] = False


class ReadOnlyMixin:
    """Serves rows and their history to read: every method that changes something is answered 405.

    The OpenAPI document does not name them. Such as::

        class StudyArchive(ReadOnlyMixin, OwnRowsMixin, ResourceViewSet):
            model = Study
            serializer_class = derive_serializer(Study)
    """

    http_method_names: tuple[str, ...] = ("get", "head")
