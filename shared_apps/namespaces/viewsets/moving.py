"""Write a namespace into a file: staff, on the public host."""

from __future__ import annotations

import tempfile
from typing import Any, BinaryIO, cast

from django.http import FileResponse

from smartmodels.rest import action, extend_schema
from smartmodels.transfer import export_namespace

__all__ = ["MovingMixin"]


class MovingMixin:
    """Endpoints by which a namespace leaves as a file."""

    @extend_schema(
        request=None, responses={(200, "application/x-tar"): {"type": "string", "format": "binary"}}
    )
    @action(detail=True, methods=["get"])
    def export(self: Any, request: Any, slug: str) -> FileResponse:
        """Read the namespace as one file, which `namespace import` makes a namespace of.

        The file is complete before its first byte is sent, so what arrives is all of it or an error.
        """
        namespace = self.get_object()
        # Closed by the response.
        file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
        try:
            export_namespace(namespace, file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return FileResponse(
            file, as_attachment=True, filename=f"{namespace.slug}.tar", content_type="application/x-tar"
        )
