"""Copies of a namespace: as a file, as another namespace, as a backup. Staff, on the public host."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from typing import Any, BinaryIO, cast
from weakref import finalize

from django.http import FileResponse

from shared_apps.namespaces.serializers import NamespaceSerializer
from smartmodels.fsck import check_namespaces
from smartmodels.management.namespaces import fsck_report, owner_for
from smartmodels.rest import (
    OpenApiParameter,
    Response,
    ShapedField,
    StrictSerializer,
    action,
    extend_schema,
    serializers,
    truth_in,
)
from smartmodels.tenancy.names import SLUG_PATTERN
from smartmodels.transfer import (
    Wish,
    back_up,
    clone_namespace,
    export_namespace,
    list_backups,
    restore_as,
    restore_namespace,
)

__all__ = ["MovingMixin"]

_OWNER = "E-mail address of who owns the copy; one of the owners of the original if not given."


_FILES = "Take uploaded files along."


_HELD = (
    OpenApiParameter("files", bool, default=True, description=_FILES),
    OpenApiParameter(
        "members", bool, default=False, description="Say who its members are: address and role."
    ),
)


class CloneSerializer(StrictSerializer):
    """What a clone is to be."""

    into = ShapedField(shape=SLUG_PATTERN, max_length=31, help_text="The new namespace's slug.")
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    owner = serializers.EmailField(max_length=254, required=False, help_text=_OWNER)
    anonymise = serializers.BooleanField(
        required=False, default=False, help_text="Let nobody be recognised in it; no files come along."
    )
    files = serializers.BooleanField(required=False, default=True, help_text=_FILES)


class BackupWishSerializer(StrictSerializer):
    """What the backup holds beside the rows, and how many backups are to stay."""

    keep = serializers.IntegerField(min_value=1, required=False, help_text="Keep the newest so many only.")
    files = serializers.BooleanField(required=False, default=True, help_text=_FILES)


class BackupSerializer(serializers.Serializer[Any]):
    """A backup of a namespace."""

    id = serializers.CharField()
    made_at = serializers.DateTimeField()
    bytes = serializers.IntegerField()


class RestoreSerializer(StrictSerializer):
    """Which backup, and whether a new namespace is made of it."""

    backup = serializers.CharField(max_length=22, help_text="Its id, or `latest`.")
    into = ShapedField(
        shape=SLUG_PATTERN,
        max_length=31,
        required=False,
        help_text="Slug of a new namespace; else this one is brought back.",
    )
    owner = serializers.EmailField(max_length=254, required=False, help_text=_OWNER)
    drop_old = serializers.BooleanField(
        required=False, default=False, help_text="Do not keep the rows that are replaced."
    )


class FsckSerializer(StrictSerializer):
    """Whether to mend."""

    fix = serializers.BooleanField(required=False, default=False, help_text="Mend what is safe to mend.")


class FindingSerializer(serializers.Serializer[Any]):
    """Something that does not hold."""

    code = serializers.CharField()
    namespace = serializers.CharField(allow_null=True)
    place = serializers.CharField()
    rows = serializers.IntegerField()
    what = serializers.CharField()
    mendable = serializers.BooleanField()


class FsckReportSerializer(serializers.Serializer[Any]):
    """What was found, how much of it was mended, and what is left."""

    namespaces = serializers.IntegerField()
    findings = FindingSerializer(many=True)
    mended = serializers.IntegerField()
    left = FindingSerializer(many=True)


def _asked(serializer: Any, given: Any) -> dict[str, Any]:
    asked = serializer(data=given)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


class MovingMixin:
    """Endpoints that copy a namespace, bring it back, and look whether it is sound."""

    def known_parameters(self: Any) -> frozenset[str]:
        known: frozenset[str] = super().known_parameters()  # type: ignore[misc]
        return known | {each.name for each in _HELD} if self.action == "export" else known

    @extend_schema(
        request=None,
        parameters=list(_HELD),
        responses={(200, "application/x-tar"): {"type": "string", "format": "binary"}},
    )
    @action(detail=True, methods=["get"])
    def export(self: Any, request: Any, slug: str) -> FileResponse:
        """Read the namespace as one file, which `namespace import` makes a namespace of.

        The file is complete before its first byte is sent, so what arrives is all of it or an error.
        """
        namespace, members = self.get_object(), truth_in(request, "members")
        files = truth_in(request, "files", default=True)
        # Closed with the response.
        file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115
        try:
            export_namespace(namespace, file, files=files, members=members)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        answer = FileResponse(
            file, as_attachment=True, filename=f"{namespace.slug}.tar", content_type="application/x-tar"
        )
        # Some callers never close what they asked for.
        finalize(answer, file.close)
        return answer

    @extend_schema(request=CloneSerializer, responses={201: NamespaceSerializer})
    @action(detail=True, methods=["post"])
    def clone(self: Any, request: Any, slug: str) -> Response:
        """Copy the namespace into a new one; nobody's sessions, tokens, memberships or grants come along."""
        source, wish = self.get_object(), _asked(CloneSerializer, request.data)
        owner = owner_for(source, wish.get("owner"))
        new, options = Wish(owner, wish["into"], wish["name"]), ("anonymise", "files")
        made = clone_namespace(source, new, **{name: wish[name] for name in options})
        return cast(Response, self._made(made.namespace))

    @extend_schema(responses={200: BackupSerializer(many=True)})
    @action(detail=True, methods=["get"], pagination_class=None, further_statuses=("409",))
    def backups(self: Any, request: Any, slug: str) -> Response:
        """List the backups of the namespace, the newest first."""
        return Response([asdict(each) for each in list_backups(self.get_object())])

    @extend_schema(request=BackupWishSerializer, responses={201: BackupSerializer})
    @action(detail=True, methods=["post"])
    def backup(self: Any, request: Any, slug: str) -> Response:
        """Keep a backup of the namespace."""
        namespace, wish = self.get_object(), _asked(BackupWishSerializer, request.data)
        return Response(asdict(back_up(namespace, keep=wish.get("keep"), files=wish["files"])), status=201)

    @extend_schema(request=RestoreSerializer, responses={200: NamespaceSerializer, 201: NamespaceSerializer})
    @action(detail=True, methods=["post"])
    def restore(self: Any, request: Any, slug: str) -> Response:
        """Bring the namespace back to a backup, or make a new one of it."""
        namespace, wish = self.get_object(), _asked(RestoreSerializer, request.data)
        if "into" in wish:
            new = Wish(owner_for(namespace, wish.get("owner")), wish["into"])
            return cast(Response, self._made(restore_as(namespace, wish["backup"], new).namespace))
        restore_namespace(namespace, wish["backup"], drop_old=wish["drop_old"])
        return cast(Response, self._shown(namespace))

    @extend_schema(request=FsckSerializer, responses={200: FsckReportSerializer})
    @action(detail=True, methods=["post"])
    def fsck(self: Any, request: Any, slug: str) -> Response:
        """Look for what no constraint keeps, and mend what is safe to mend if that is asked for."""
        namespace, wish = self.get_object(), _asked(FsckSerializer, request.data)
        return Response(fsck_report(check_namespaces([namespace.slug], fix=wish["fix"])))

    def _made(self: Any, namespace: Any) -> Response:
        headers = {"Location": self.reverse_action("detail", args=[namespace.slug])}
        return Response(self.get_serializer(namespace).data, status=201, headers=headers)
