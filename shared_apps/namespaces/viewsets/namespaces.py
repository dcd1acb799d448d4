"""Provision namespaces and look at them: staff, on the public host. What is done to them is in the mixins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import transaction

from shared_apps.namespaces.models import Namespace
from shared_apps.namespaces.serializers import (
    ConfirmationSerializer,
    NamespaceSerializer,
    NewNamespaceSerializer,
    ProvisionedSerializer,
)
from shared_apps.namespaces.viewsets.domains import DomainsMixin
from shared_apps.namespaces.viewsets.life import LifeMixin
from shared_apps.namespaces.viewsets.members import MembersMixin
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
    Problem,
    Refused,
    Response,
    StaffPermission,
    extend_schema,
    problem_of,
)
from smartmodels.tenancy import provisioning

__all__ = ["NamespaceViewSet"]


@contextmanager
def _blaming(pointer: str, *kinds: type[SmartModelsError]) -> Iterator[None]:
    """Say of errors of these kinds which field of the body caused them."""
    try:
        yield
    except kinds as error:
        problem: Problem = problem_of(error)  # type: ignore[assignment]
        fault = Fault(error.code, error.message, pointer=pointer)
        raise Refused(replace(problem, errors=(fault,))) from error


class NamespaceViewSet(LifeMixin, DomainsMixin, MembersMixin, GenericApiViewSet):
    """Namespaces: each one a schema, its hosts and its members."""

    permission_classes = (StaffPermission,)
    serializer_class = NamespaceSerializer
    queryset = Namespace.objects.order_by("slug").prefetch_related("domains")
    lookup_field = "slug"
    delete_body: Any = ConfirmationSerializer

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

    @extend_schema(request=NewNamespaceSerializer, responses={201: ProvisionedSerializer})
    def create(self, request: Any) -> Response:
        """Provision a namespace: its schema, its host, its owner's membership.

        The account of an unknown e-mail address is made; its initial password is in the answer, this once.
        """
        asked = NewNamespaceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        with public_scope(), transaction.atomic():
            with _blaming("/owner", InvalidInput):
                owner, password = owner_account(wish["owner"])
            with _blaming("/slug", SlugInvalid, SlugTaken, HostTaken):
                name = wish.get("name") or wish["slug"]
                namespace = provisioning.reserve(wish["slug"], name=name, owner=owner)
        account = {"email": owner.email, "created": password is not None}
        if password is not None:
            account["initial_password"] = password
        provisioning.resume(namespace)
        context = {**self.get_serializer_context(), "owner": account}
        headers = {
            "Location": self.reverse_action("detail", args=[namespace.slug]),
            "Cache-Control": "no-store",
        }
        return Response(ProvisionedSerializer(namespace, context=context).data, status=201, headers=headers)

    def retrieve(self, request: Any, slug: str) -> Response:
        """Read one namespace."""
        return self._shown(self.get_object())
