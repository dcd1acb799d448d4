"""Which rows the pages of a model are about, who may change them, and where the other pages are."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import NoReverseMatch, reverse

from smartmodels.models import SmartModel
from smartmodels.ownership import may_change, rows_of
from smartmodels.querysets import owned
from smartmodels.showing.derive import foreign_keys
from smartmodels.views.members import MembersMixin

__all__ = ["PAGES", "NamespaceRowsMixin", "OwnRowsMixin", "RowsMixin"]

Life = Literal["living", "deleted", "all"]

PAGES = ("list", "add", "deleted", "detail", "edit", "delete", "restore", "history")
"""The pages a model can have; their URL names are ``<app>-<model>-<page>``."""

_NOT_YOURS = "This belongs to somebody else: its owner, or an admin of this namespace, can change it."


class RowsMixin(MembersMixin):
    """Rows of one model in the namespace of the request; in private mode the asker's own.

    ``life`` says among which rows a page looks. ``owner_writes_only = False`` lets every member whose role
    writes change every row. For pages of your own kind::

        class StudyInFull(RowsMixin, DetailView):
            model = Study
            page = "detail"
            template_name = "smartmodels/views/base.html"
    """

    model: ClassVar[type[SmartModel]]
    life: ClassVar[Life] = "living"
    owner_writes_only: ClassVar[bool] = True
    page: ClassVar[str] = "list"

    # Which rows

    def rows(self) -> Any:
        """Return the rows that the page is about: what a subclass narrows."""
        if self.life == "all":
            return owned(self.model.all_objects.all())
        return self.model.deleted_objects.all() if self.life == "deleted" else self.model.objects.all()

    def get_queryset(self) -> Any:
        """Return the rows, with those they belong to."""
        keys = [field.name for field in foreign_keys(self.model)]
        return self.rows().select_related(*keys) if keys else self.rows()

    def get_object(self, queryset: Any = None) -> Any:
        """Return the row of the address; raise Http404 for none, and for one that is not in :meth:`rows`.

        While something is changed the row is locked, and PermissionDenied raised where it may not be.
        """
        rows = self.get_queryset() if queryset is None else queryset
        if self.request.method == "POST":
            rows = rows.select_for_update(of=("self",))
        row = rows.filter(pk=self.kwargs["pk"]).first()
        if row is None:
            raise Http404(f"There is no such {self.model._meta.verbose_name} here.")
        if self.writes and not self.may_change(row):
            raise PermissionDenied(_NOT_YOURS)
        return row

    # Who may

    def may_change(self, row: Any) -> bool:
        """Tell whether whoever asks may change the row."""
        if not self.owner_writes_only:
            return self.role.writes
        return may_change(self.role, self.request.user.pk, row)

    # Other pages

    def address(self, page: str, row: Any = None) -> str | None:
        """Return where a page of this model is, or None when the app serves no such page."""
        options, match = self.model._meta, self.request.resolver_match
        name = f"{options.app_label}-{options.model_name}-{page}"
        within = f"{match.namespace}:" if match is not None and match.namespace else ""
        try:
            return reverse(within + name, args=[] if row is None else [row.pk])
        except NoReverseMatch:
            return None

    def get_template_names(self) -> list[str]:
        """Return ``template_name``, else the app's own template for the page, else that of the library."""
        if given := getattr(self, "template_name", None):
            return [given]
        options = self.model._meta
        own = f"{options.app_label}/{options.model_name}_{self.page}.html"
        return [own, f"smartmodels/views/{self.page}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what every page shows: the model, what may be done, and the addresses of other pages."""
        row = kwargs.get("object", getattr(self, "object", None))
        if getattr(getattr(row, "_state", None), "adding", True):
            row = None
        options = self.model._meta
        links = {page: self.address(page) for page in ("list", "add", "deleted")}
        if row is not None:
            links |= {page: self.address(page, row) for page in PAGES[3:]}
        context = {
            "opts": options,
            "links": links,
            "may_add": self.role.writes,
            "may_change": row is not None and self.may_change(row),
        }
        inherited: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**inherited, **context}


class OwnRowsMixin(RowsMixin):
    """Only the asker's own rows: those of others are not listed, and not found.

    For each view::

        class MyStudies(OwnRowsMixin, SmartListView):
            model = Study

    or for all pages of a model::

        urlpatterns = row_pages(Study, OwnRowsMixin)
    """

    def rows(self) -> Any:
        """Return the asker's own among the rows."""
        user: Any = self.request.user
        return rows_of(super().rows(), user.pk)


class NamespaceRowsMixin(RowsMixin):
    """The rows belong to the namespace rather than to persons: whoever writes changes them all.

    For all pages of a model::

        urlpatterns = row_pages(Study, NamespaceRowsMixin)

    A viewer reads, as everywhere; what else a deletion would take along must still be the asker's.
    """

    owner_writes_only = False
