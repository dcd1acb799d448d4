"""Uploaded files, for members who see a row that names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from django.db.models import FileField
from django.http import FileResponse, Http404, HttpResponseBase

from smartmodels.context import namespace_scope, require_namespace
from smartmodels.exceptions import SmartModelsError
from smartmodels.models import Resource
from smartmodels.sharing import active_grants, rows_at_home
from smartmodels.tenancy.placement import tenant_models
from smartmodels.tenancy.routing import require_served
from smartmodels.tenancy.uploads import open_upload
from smartmodels.views.members import MembersMixin

__all__ = ["UploadView"]


class UploadView(MembersMixin):
    """Send a file of the namespace; never as a page, since nobody knows what is in it.

    With ``?home=`` it is one of a row that this namespace shares, through the grant that shows the row here.
    No cache keeps it, so what is taken back is refused from the next request on.
    """

    def get(self, request: Any, name: str) -> HttpResponseBase:
        """Answer 404 unless there is such a file and a living row, which the person sees, that names it."""
        home = request.GET.get("home")
        try:
            file = _own(name) if home is None else _shared(name, home)
        except SmartModelsError as error:
            # The home is not served now; the file is not gone.
            refused: HttpResponseBase = self.refused(error)
            return refused
        if file is None:
            raise Http404("There is no such file.")
        answer = FileResponse(file, as_attachment=True, filename=name.rpartition("/")[2])
        answer["Content-Type"] = "application/octet-stream"
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return answer


def _file_fields() -> Iterator[tuple[Any, Any]]:
    for model in tenant_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, FileField):
                yield model, field


def _own(name: str) -> BinaryIO | None:
    rows = (model._default_manager.filter(**{field.name: name}) for model, field in _file_fields())
    return open_upload(require_namespace().schema_name, name) if any(map(_is_any, rows)) else None


def _is_any(rows: Any) -> bool:
    return bool(rows.exists())


def _shared(name: str, home: str) -> BinaryIO | None:
    """Return the file that a row shared by ``home`` names, in a field that others may see.

    Raises what the home would answer while it serves nobody.
    """
    for model, field in _file_fields():
        shown = getattr(model.smart, "view_fields", None) if issubclass(model, Resource) else ()
        if shown is not None and field.name not in shown:
            continue
        grants = active_grants(model).filter(home__slug=home)
        if (grant := grants.first()) is None:
            continue
        require_served(grant.home)
        keys = grants.values("row_id")
        with namespace_scope(grant.home):
            if rows_at_home(model).filter(pk__in=keys, **{field.name: name}).exists():
                return open_upload(grant.home.schema_name, name)
    return None
