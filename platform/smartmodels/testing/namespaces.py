"""Namespaces for tests: made from the recorded template in the test's own transaction."""

from __future__ import annotations

from typing import Any, ClassVar

from smartmodels.context import Actor, namespace_scope, operation, public_scope
from smartmodels.management.namespaces import owner_account
from smartmodels.tenancy import provisioning

__all__ = ["NamespaceTestMixin", "make_namespace"]


def make_namespace(slug: str, *, name: str = "", owner: Any = None) -> Any:
    """Make an active namespace with all its tables, and its owner's account if none is given.

    Inside a transaction that is rolled back, as a test's is, nothing of it is left. Raises what
    :func:`smartmodels.tenancy.provisioning.provision` raises.
    """
    with public_scope(), operation(actor=Actor.system("tests")):
        owner = owner or owner_account(f"owner@{slug}.example")[0]
        return provisioning.provision(slug, name=name or slug.title(), owner=owner)


class NamespaceTestMixin:
    """Gives a ``django.test.TestCase`` a namespace of its own, bound in each test: list it first.

    ``namespace_slug`` names it; the tests find it as ``self.namespace``.
    """

    namespace_slug: ClassVar[str] = "testing"
    namespace: ClassVar[Any]

    @classmethod
    def setUpTestData(cls) -> None:
        """Make the namespace, once for the class."""
        super().setUpTestData()  # type: ignore[misc]
        cls.namespace = make_namespace(cls.namespace_slug)

    def setUp(self) -> None:
        """Bind the namespace, with the system acting."""
        super().setUp()  # type: ignore[misc]
        case: Any = self
        case.enterContext(namespace_scope(self.namespace))
        case.enterContext(operation(actor=Actor.system("tests")))
