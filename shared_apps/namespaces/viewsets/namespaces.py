"""Provision namespaces and look at them: staff, on the public host. What is done to them is in the mixins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.urls import reverse

from shared_apps.namespaces.models import Namespace
from shared_apps.namespaces.serializers import (
    ConfirmationSerializer,
    NamespaceSerializer,
    NewNamespaceSerializer,
    ProvisionedSerializer,
)
from shared_apps.namespaces.tasks import provision
from shared_apps.namespaces.viewsets.domains import DomainsMixin
from shared_apps.namespaces.viewsets.life import LifeMixin
from shared_apps.namespaces.viewsets.members import MembersMixin
from shared_apps.namespaces.viewsets.migrations import MigrationStatusMixin
from shared_apps.namespaces.viewsets.moving import MovingMixin
from smartmodels.context import public_scope
from smartmodels.exceptions import (
    HostTaken,
    InvalidInput,
    NamespaceNotFound,
    SlugInvalid,
    SlugTaken,
    SmartModelsError,
)
from smartmodels.management.namespaces import owner_account
from smartmodels.rest import (
    Fault,
    GenericApiViewSet,
    OpenApiParameter,
    Problem,
    Refused,
    Response,
    StaffPermission,
    extend_schema,
    prefers_to_wait,
    problem_of,
)
from smartmodels.tenancy import provisioning

__all__ = ["NamespaceViewSet"]

_PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`wait` to get the finished namespace (RFC 7240); `respond-async` is the default.",
)
_WAIT = OpenApiParameter("wait", bool, OpenApiParameter.QUERY, description="The same as `Prefer: wait`.")


@contextmanager
def _blaming(pointer: str, *kinds: type[SmartModelsError]) -> Iterator[None]:
    """Say of errors of these kinds which field of the body caused them."""
    try:
        yield
    except kinds as error:
        problem: Problem = problem_of(error)  # type: ignore[assignment]
        fault = Fault(error.code, error.message, pointer=pointer)
        raise Refused(replace(problem, errors=(fault,))) from error


class NamespaceViewSet(
    LifeMixin, DomainsMixin, MembersMixin, MovingMixin, MigrationStatusMixin, GenericApiViewSet
):
    """Namespaces: each one a schema, its hosts and its members."""

    permission_classes = (StaffPermission,)
    serializer_class = NamespaceSerializer
    queryset = Namespace.objects.order_by("slug").prefetch_related("domains")
    lookup_field = "slug"
    delete_body: Any = ConfirmationSerializer

    def known_parameters(self) -> frozenset[str]:
        """Add ``wait`` to what may stand in the query string of a creation."""
        return super().known_parameters() | ({"wait"} if self.action == "create" else set())

    def get_object(self) -> Any:
        """Return the namespace of the address; raise Refused if there is none."""
        try:
            return provisioning.find_namespace(self.kwargs["slug"])
        except NamespaceNotFound as error:
            raise Refused(Problem(404, error.code, "There is no such namespace.")) from error

    def list(self, request: Any) -> Response:
        """List namespaces by slug."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        request=NewNamespaceSerializer,
        parameters=[_WAIT, _PREFER],
        responses={201: ProvisionedSerializer, 202: ProvisionedSerializer},
    )
    def create(self, request: Any) -> Response:
        """Provision a namespace: its schema, its host, its owner's membership.

        The slug is taken at once; the rest is a job, whose address is in the answer. Who prefers to wait
        gets the finished namespace. The account of an unknown e-mail address is made; its initial password
        is in the answer, this once.
        """
        wait = prefers_to_wait(request)
        asked = NewNamespaceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        with public_scope(), transaction.atomic():
            with _blaming("/owner", InvalidInput):
                owner, password = owner_account(wish["owner"])
            with _blaming("/slug", SlugInvalid, SlugTaken, HostTaken):
                name = wish.get("name") or wish["slug"]
                namespace = provisioning.reserve(wish["slug"], name=name, owner=owner)
            job = None if wait else provision.enqueue(key=str(namespace.pk), namespace=str(namespace.pk))
        account = {"email": owner.email, "created": password is not None}
        if password is not None:
            account["initial_password"] = password
        if job is None:
            provisioning.resume(namespace)
        return self._provisioned(namespace, account, job)

    def _provisioned(self, namespace: Any, account: dict[str, Any], job: Any) -> Response:
        """Answer with the namespace, or with where to follow its making."""
        context = {**self.get_serializer_context(), "owner": account, "job": job}
        place = self.reverse_action("detail", args=[namespace.slug])
        if job is not None:
            place = self.request.build_absolute_uri(reverse("jobs-detail", args=[job.pk]))
        headers = {
            "Location": place,
            "Cache-Control": "no-store",
            "Preference-Applied": "wait" if job is None else "respond-async",
        }
        document = ProvisionedSerializer(namespace, context=context).data
        return Response(document, status=201 if job is None else 202, headers=headers)

    def retrieve(self, request: Any, slug: str) -> Response:
        """Read one namespace."""
        return self._shown(self.get_object())
