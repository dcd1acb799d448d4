"""The webhooks of a namespace over REST, for its owner and admins."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from shared_apps.webhooks.models import Delivery, Webhook
from shared_apps.webhooks.serializers import (
    DeliveryDetailSerializer,
    DeliverySerializer,
    WebhookSecretSerializer,
    WebhookSerializer,
)
from shared_apps.webhooks.services import make_webhook, rotate_webhook, wake_webhook, webhooks_of
from shared_apps.webhooks.tasks import send_again
from smartmodels.context import require_namespace
from smartmodels.rest import (
    FullExposure,
    GenericApiViewSet,
    ManagerPermission,
    NotFound,
    Response,
    action,
    extend_schema,
)
from smartmodels.rest.access.scoping import require_within_scope
from smartmodels.webhooks import secret_of

__all__ = ["WebhookViewSet"]

_DELIVERY = r"deliveries/(?P<delivery>[0-9a-fA-F-]{1,36})"


class WebhookViewSet(GenericApiViewSet):
    """Where changes of this namespace are sent: for its owner and admins.

    A program has sent what it may read itself, and no more.
    """

    permission_classes = (ManagerPermission,)
    serializer_class = WebhookSerializer
    queryset = Webhook.objects.none()

    def known_parameters(self) -> frozenset[str]:
        """Return what may stand in the query string: of lists, which page is wanted."""
        known = super().known_parameters()
        return known | self.pagination_class.parameters if self.action == "deliveries" else known

    def get_queryset(self) -> Any:
        """Return the webhooks of the namespace, in the order in which they were made."""
        return webhooks_of(require_namespace())

    def get_object(self, *, lock: bool = False) -> Any:
        """Return the webhook of the address, locked if asked; raise NotFound."""
        rows = self.get_queryset().select_for_update(of=("self",)) if lock else self.get_queryset()
        found = rows.filter(pk=self.key()).first()
        if found is None:
            raise NotFound("There is no such webhook here.")
        if self.action not in ("retrieve", "destroy"):
            self._require_told(found.resources)
        return found

    def _require_told(self, resources: Iterable[str]) -> None:
        """Let a program have sent only what it may read itself; raise Refused."""
        exposure = FullExposure()
        for path in resources or map(exposure.path, exposure.models):
            require_within_scope(self.request, path, "read")

    def list(self, request: Any) -> Response:
        """List webhooks."""
        page: Any = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=WebhookSerializer, responses={201: WebhookSecretSerializer})
    def create(self, request: Any) -> Response:
        """Have changes sent from now on; the answer shows the secret, this once."""
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        self._require_told(given.validated_data.get("resources", ()))
        namespace: Any = require_namespace()
        with self.writing():
            made = make_webhook(namespace, given.validated_data)
        headers = {"Location": self.reverse_action("detail", args=[made.pk])}
        return Response(self._with_secret(made), status=201, headers=headers)

    def _with_secret(self, webhook: Any) -> Any:
        webhook.secret = secret_of(webhook)
        return WebhookSecretSerializer(webhook, context=self.get_serializer_context()).data

    def retrieve(self, request: Any, pk: str) -> Response:
        """Read one webhook."""
        return Response(self.get_serializer(self.get_object()).data)

    def partial_update(self, request: Any, pk: str) -> Response:
        """Change a webhook; one that is made active again goes on where it stopped."""
        with self.writing():
            webhook = self.get_object(lock=True)
            given = self.get_serializer(webhook, data=request.data, partial=True)
            given.is_valid(raise_exception=True)
            self._require_told(given.validated_data.get("resources", webhook.resources))
            wake_webhook(webhook, given.validated_data)
            given.save()
        return Response(given.data)

    def destroy(self, request: Any, pk: str) -> Response:
        """Remove a webhook and its deliveries."""
        with self.writing():
            self.get_object(lock=True).delete()
        return Response(status=204)

    @extend_schema(request=None, responses={200: WebhookSecretSerializer})
    @action(detail=True, methods=["post"])
    def rotate(self, request: Any, pk: str) -> Response:
        """Make a new secret, shown this once; for a day messages are signed with the former one, too."""
        with self.writing():
            webhook = self.get_object(lock=True)
            rotate_webhook(webhook)
        return Response(self._with_secret(webhook))

    @extend_schema(operation_id="webhooks_deliveries_list", responses=DeliverySerializer(many=True))
    @action(detail=True)
    def deliveries(self, request: Any, pk: str) -> Response:
        """List what was sent, newest first."""
        page: Any = self.paginate_queryset(self.get_object().deliveries.order_by("-id"))
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)

    @extend_schema(operation_id="webhooks_deliveries_retrieve", responses=DeliveryDetailSerializer)
    @action(detail=True, url_path=_DELIVERY)
    def delivery(self, request: Any, pk: str, delivery: str) -> Response:
        """Read one message: what was sent, and what became of it."""
        return Response(DeliveryDetailSerializer(self._delivery(delivery)).data)

    @extend_schema(
        operation_id="webhooks_deliveries_replay", request=None, responses={202: DeliverySerializer}
    )
    @action(detail=True, methods=["post"], url_path=f"{_DELIVERY}/replay")
    def replay(self, request: Any, pk: str, delivery: str) -> Response:
        """Send a message again, under the id that it had."""
        with self.writing():
            found = self._delivery(delivery)
            send_again(found)
        return Response(DeliverySerializer(found).data, status=202)

    def _delivery(self, given: str) -> Delivery:
        """Return a delivery of the webhook of the address; raise NotFound."""
        try:
            key = uuid.UUID(given)
        except ValueError as error:
            raise NotFound("There is no such delivery of this webhook.") from error
        found: Delivery | None = self.get_object().deliveries.filter(pk=key).first()
        if found is None:
            raise NotFound("There is no such delivery of this webhook.")
        return found
