"""Uploaded files, for members who see a row that names them."""

from __future__ import annotations

from typing import Any

from django.db.models import FileField
from django.http import FileResponse, Http404

from smartmodels.context import require_namespace
from smartmodels.tenancy.placement import tenant_models
from smartmodels.tenancy.uploads import open_upload
from smartmodels.views.members import MembersMixin

__all__ = ["UploadView"]


class UploadView(MembersMixin):
    """Send a file of the namespace; never as a page, since nobody knows what is in it."""

    def get(self, request: Any, name: str) -> FileResponse:
        """Answer 404 unless there is such a file and a living row, which the person sees, that names it."""
        del request
        file = open_upload(require_namespace().schema_name, name) if _is_shown(name) else None
        if file is None:
            raise Http404("There is no such file.")
        answer = FileResponse(file, as_attachment=True, filename=name.rpartition("/")[2])
        answer["Content-Type"] = "application/octet-stream"
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return answer


def _is_shown(name: str) -> bool:
    return any(
        model._default_manager.filter(**{field.name: name}).exists()
        for model in tenant_models()
        for field in model._meta.concrete_fields
        if isinstance(field, FileField)
    )
