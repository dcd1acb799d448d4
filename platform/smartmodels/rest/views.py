"""What every endpoint has in common: who asks, JSON in, JSON or a problem out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from rest_framework.exceptions import NotFound
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from smartmodels.context import operation
from smartmodels.rest.access.scoping import require_scope
from smartmodels.rest.authentication import IdentityAuthentication
from smartmodels.rest.deprecating import Deprecation, announce
from smartmodels.rest.encoding import JSONRenderer
from smartmodels.rest.faults import InvalidHeader
from smartmodels.rest.filters import refuse_unknown
from smartmodels.rest.pagination import BoundedPagination
from smartmodels.rest.parsing import StrictJSONParser, is_storable
from smartmodels.rest.permissions import MembershipPermission
from smartmodels.rest.problems import problem_handler, request_id
from smartmodels.rest.schema import ApiSchema

__all__ = ["REASON_MAX", "ApiView", "GenericApiViewSet", "reason_of"]

REASON_MAX = 500
"""The most characters a reason may have."""


def reason_of(request: Any) -> str | None:
    """Return the header ``X-Reason``, which history keeps; raise InvalidHeader if it cannot be kept."""
    given = request.headers.get("X-Reason")
    if given is None:
        return None
    try:
        # WSGI hands bytes over as Latin-1; what people write is UTF-8.
        reason = given.encode("latin-1").decode("utf-8").strip()
    except UnicodeError as error:
        raise InvalidHeader("X-Reason", "The reason is not UTF-8.") from error
    if len(reason) > REASON_MAX or not is_storable(reason):
        raise InvalidHeader("X-Reason", f"A reason has at most {REASON_MAX} characters, none of them NUL.")
    return reason or None


class ApiView(APIView):
    """An endpoint; who may call it, and in what form, is said here and not in global settings.

    ``parameters`` names what may stand in the query string; anything else there is a 400. ``only_reads``
    says that the endpoint reads, whatever its method. What programs may call is said by
    ``open_to_programs`` and ``closed_to_programs`` (smartmodels/rest/access/scoping.py);
    ``scope_of_writes`` is what a program needs to write.
    """

    authentication_classes = (IdentityAuthentication,)
    permission_classes: tuple[Any, ...] = (MembershipPermission,)
    renderer_classes: tuple[Any, ...] = (JSONRenderer,)
    parser_classes = (StrictJSONParser,)
    metadata_class = None
    http_method_names: tuple[str, ...] = ("get", "post", "put", "patch", "delete", "head")
    parameters: frozenset[str] = frozenset()
    only_reads: bool = False
    deprecated: Deprecation | None = None
    schema = ApiSchema()
    further_statuses: tuple[str, ...] = ()
    open_to_programs = False
    closed_to_programs = False
    scope_of_writes = "write"

    def check_permissions(self, request: Any) -> None:
        """Ask the permission classes, and of a program its scopes."""
        super().check_permissions(request)
        require_scope(request, self)

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """Admit the request: first who asks, then what for."""
        super().initial(request, *args, **kwargs)
        refuse_unknown(request, self.known_parameters())

    def known_parameters(self) -> frozenset[str]:
        """Return what may stand in the query string of this request."""
        return self.parameters

    def get_exception_handler(self) -> Any:
        """Answer errors as problems."""
        return problem_handler

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say which request this was: the id under which history and the log know it."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["X-Request-Id"] = request_id()
        announce(answer, self.deprecated)
        return answer

    @contextmanager
    def writing(self, reason: str | None = None) -> Iterator[None]:
        """All or nothing, for the reason given in the body or in ``X-Reason``."""
        request: Any = self.request
        with transaction.atomic(), operation(reason=reason or reason_of(request)):
            yield


class GenericApiViewSet(ApiView, GenericViewSet[Any]):
    """Endpoints of one kind of thing, with a serializer and bounded lists."""

    pagination_class: Any = BoundedPagination

    def key(self) -> uuid.UUID:
        """Return the key in the address; raise NotFound for what cannot be one."""
        try:
            return uuid.UUID(self.kwargs["pk"])
        except ValueError as error:
            raise NotFound("Nothing of this key is to be found here.") from error

    def known_parameters(self) -> frozenset[str]:
        """Return what may stand in the query string: of the list, which page is wanted."""
        return self.parameters | BoundedPagination.parameters if self.action == "list" else self.parameters
