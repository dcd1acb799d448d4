"""Sends bodies to viewsets that have no address."""

from collections.abc import Callable
from typing import Any

from django.test import RequestFactory
from rest_framework.test import force_authenticate

from smartmodels.context import Actor, namespace_scope, operation

ONE = {"get": "retrieve", "post": "create", "patch": "partial_update", "put": "update"}
MANY = {"post": "create", "patch": "bulk_change", "put": "bulk_replace"}


def sender(person: Any, namespace: Any) -> Callable[..., Any]:
    """Return what sends a body (of a GET: parameters) to a viewset as this member.

    With a key to one row, else to the list.
    """

    def ask(viewset: Any, method: str, body: Any, key: Any = None, **headers: str) -> Any:
        request = getattr(RequestFactory(), method)(
            "/", body, content_type="application/json", headers=headers
        )
        request.membership = person.memberships.get(namespace=namespace)
        force_authenticate(request, person)
        view = viewset.as_view(MANY if key is None else ONE, basename="zoo", detail=key is not None)
        viewset.reverse_action = lambda *_, **__: "/"
        with namespace_scope(namespace), operation(actor=Actor.user(person)):
            return view(request, **({} if key is None else {"pk": str(key)}))

    return ask
