"""The hosts of a namespace over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared_apps.namespaces.closing.serializers import DryRunSerializer
from shared_apps.namespaces.viewsets.bodies import DomainSerializer, NewDomainSerializer
from shared_apps.namespaces.viewsets.changing import changing, wish_of
from smartmodels.management.namespaces.domains import describe_claim
from smartmodels.rest import Response, action, extend_schema
from smartmodels.tenancy import life

__all__ = ["DomainsMixin"]

_HOST = r"domains/(?P<host>[^/]{1,253})"


class DomainsMixin:
    """Claim, prove, prefer and remove hosts."""

    get_object: Callable[[], Any]

    def _host(self, request: Any, host: str, service: Callable[[Any, str], Any]) -> Response:
        wish = wish_of(DryRunSerializer, request)
        namespace = self.get_object()
        with changing(request, dry=wish["dry_run"]):
            return Response(DomainSerializer(service(namespace, host)).data)

    @extend_schema(responses=DomainSerializer(many=True), operation_id="namespaces_domains_list")
    @action(detail=True, methods=["get"], pagination_class=None)
    def domains(self, request: Any, slug: str) -> Response:
        """List the hosts of a namespace, the primary one first."""
        return Response(DomainSerializer(life.domains_of(self.get_object()), many=True).data)

    @extend_schema(request=NewDomainSerializer, responses={201: DomainSerializer})
    @domains.mapping.post
    def add_domain(self, request: Any, slug: str) -> Response:
        """Claim a host; the answer says which TXT record proves it: with `dry_run` only its name."""
        wish = wish_of(NewDomainSerializer, request)
        namespace = self.get_object()
        with changing(request, dry=wish["dry_run"]):
            domain = life.add_domain(namespace, wish["host"])
        return Response(describe_claim(domain, dry=wish["dry_run"]), status=201)

    @extend_schema(request=DryRunSerializer, responses=DomainSerializer)
    @action(detail=True, methods=["post"], url_path=f"{_HOST}/verify", url_name="domain-verify")
    def verify_domain(self, request: Any, slug: str, host: str) -> Response:
        """Look for the proof of a host; it is served from then on."""
        return self._host(request, host, life.verify_domain)

    @extend_schema(request=DryRunSerializer, responses=DomainSerializer)
    @action(detail=True, methods=["post"], url_path=f"{_HOST}/primary", url_name="domain-primary")
    def primary_domain(self, request: Any, slug: str, host: str) -> Response:
        """Make a host the primary one, to which former hosts lead."""
        return self._host(request, host, life.make_primary)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["delete"], url_path=_HOST, url_name="domain", delete_body=None)
    def remove_domain(self, request: Any, slug: str, host: str) -> Response:
        """Take a host from the namespace; it is held for the namespace for a time."""
        namespace = self.get_object()
        with changing(request):
            life.remove_domain(namespace, host)
        return Response(status=204)
