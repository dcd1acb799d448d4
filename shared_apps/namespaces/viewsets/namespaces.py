"""Provision namespaces and look at them: staff, on the public host. What is done to them is in the mixins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
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
from shared_apps.namespaces.viewsets.bodies import RoleSerializer
from shared_apps.namespaces.viewsets.domains import DomainsMixin
from shared_apps.namespaces.viewsets.life import LifeMixin
from shared_apps.namespaces.viewsets.members import MembersMixin
from shared_apps.namespaces.viewsets.migrations import MigrationStatusMixin
from shared_apps.namespaces.viewsets.moving import MovingMixin
from smartmodels.context import public_scope
from smartmodels.exceptions import (
    HostTaken,
    InvalidInput,
    NamespaceBusy,
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
from smartmodels.rest.pagination import BoundedPagination
from smartmodels.tenancy import provisioning

__all__ = ["NamespaceViewSet"]

_PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`wait` to get the finished namespace (RFC 7240); `respond-async` is the default.",
)
_WAIT = OpenApiParameter("wait", bool, OpenApiParameter.QUERY, description="The same as `Prefer: wait`.")
_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,100}$"},
    OpenApiParameter.HEADER,
    description="1 to 100 printable ASCII characters that name this wish: repeating it changes nothing.",
)


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
        """Add ``wait`` to what may stand in the query string of a creation, and pages of members."""
        known = super().known_parameters()
        if self.action == "members":
            return known | BoundedPagination.parameters
        return known | ({"wait"} if self.action == "create" else set())

    def describe_body(self, schema: Any) -> dict[str, Any] | None:
        """Describe a change of which no part may be left out; None for other endpoints."""
        if self.action != "change_member":
            return None
        found: dict[str, Any] = schema.resolve_serializer(RoleSerializer, "request").ref
        return found

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
        parameters=[_WAIT, _PREFER, _IDEMPOTENCY_KEY],
        responses={200: ProvisionedSerializer, 201: ProvisionedSerializer, 202: ProvisionedSerializer},
    )
    def create(self, request: Any) -> Response:
        """Provision a namespace: its schema, its host, its owner's membership.

        The slug is taken at once; the rest is a job, whose address is in the answer. Who prefers to wait
        gets the finished namespace. The account of an unknown e-mail address is made; its initial password
        is in the answer, this once. The same Idempotency-Key and body again give the same namespace, with
        status 200 to who waits; another body is refused.
        """
        wait = prefers_to_wait(request)
        asked = NewNamespaceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        key = request.headers.get("Idempotency-Key")
        with public_scope(), transaction.atomic():
            repeated = key is not None and self.get_queryset().filter(request_key=key).exists()
            with _blaming("/owner", InvalidInput):
                owner, password = owner_account(wish["owner"])
            with _blaming("/slug", SlugInvalid, SlugTaken, HostTaken):
                name = wish.get("name") or wish["slug"]
                namespace = provisioning.reserve(wish["slug"], name=name, owner=owner, idempotency_key=key)
            job = None if wait else provision.enqueue(key=str(namespace.pk), namespace=str(namespace.pk))
        account = {"email": owner.email, "created": password is not None}
        if password is not None:
            account["initial_password"] = password
        # Who repeats a request need not wait for the process that is still at work on the first one.
        with suppress(NamespaceBusy) if repeated else nullcontext():
            if job is None:
                provisioning.resume(namespace)
        return self._provisioned(namespace, account, job, repeated=repeated)

    def _provisioned(self, namespace: Any, account: dict[str, Any], job: Any, *, repeated: bool) -> Response:
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
        status = 202 if job is not None else 200 if repeated else 201
        return Response(document, status=status, headers=headers)

    def retrieve(self, request: Any, slug: str) -> Response:
        """Read one namespace."""
        return self._shown(self.get_object())
