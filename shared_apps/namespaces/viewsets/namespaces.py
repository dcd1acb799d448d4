"""Provision, look at, suspend, resume and delete namespaces: staff, on the public host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
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
    action,
    extend_schema,
    problem_of,
)
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.models import State

__all__ = ["NamespaceViewSet"]

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
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


class NamespaceViewSet(GenericApiViewSet):
    """Namespaces: each one a schema, its hosts and its members."""

    permission_classes = (StaffPermission,)
    serializer_class = NamespaceSerializer
    queryset = Namespace.objects.order_by("slug").prefetch_related("domains")
    lookup_field = "slug"
    delete_body = ConfirmationSerializer

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
        responses={200: ProvisionedSerializer, 201: ProvisionedSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def create(self, request: Any) -> Response:
        """Provision a namespace: its schema, its host, its owner's membership.

        The account of an unknown e-mail address is made; its initial password is in the answer, this once.
        The same Idempotency-Key and body again give the same namespace with status 200, half-made or not;
        another body is refused.
        """
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
        account = {"email": owner.email, "created": password is not None}
        if password is not None:
            account["initial_password"] = password
        # Who repeats a request need not wait for the process that is still at work on the first one.
        with suppress(NamespaceBusy) if repeated else nullcontext():
            provisioning.resume(namespace)
        context = {**self.get_serializer_context(), "owner": account}
        headers = {
            "Location": self.reverse_action("detail", args=[namespace.slug]),
            "Cache-Control": "no-store",
        }
        shown = ProvisionedSerializer(namespace, context=context).data
        return Response(shown, status=200 if repeated else 201, headers=headers)

    def retrieve(self, request: Any, slug: str) -> Response:
        """Read one namespace."""
        return self._shown(self.get_object())

    def destroy(self, request: Any, slug: str) -> Response:
        """Delete a namespace with all its rows, for good; the body repeats its slug."""
        namespace = self.get_object()
        asked = ConfirmationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        if asked.validated_data["confirm"] != namespace.slug:
            message = f"Repeat the slug, {namespace.slug}, to delete the namespace with all its rows."
            raise Refused(
                Problem(400, "not-confirmed", message, (Fault("not-confirmed", message, pointer="/confirm"),))
            )
        provisioning.delete(namespace)
        return Response(status=204)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def suspend(self, request: Any, slug: str) -> Response:
        """Stop serving a namespace; nothing is lost."""
        return self._shown(provisioning.set_suspended(self.get_object(), suspended=True))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Any, slug: str) -> Response:
        """Serve a suspended namespace again, or finish one that is half-made."""
        namespace = self.get_object()
        if namespace.state == State.SUSPENDED:
            provisioning.set_suspended(namespace, suspended=False)
        else:
            provisioning.resume(namespace)
        if namespace.state != State.ACTIVE:
            raise InvalidInput(
                f"Namespace {namespace.slug!r} is {namespace.state}: "
                "only a suspended or half-made one can be resumed."
            )
        return self._shown(namespace)

    def _shown(self, namespace: Any) -> Response:
        return Response(self.get_serializer(namespace).data)
