"""Namespaces for tests: made of a spare, or from the recorded template, in the test's own transaction."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth import get_user_model

from smartmodels.context import Actor, namespace_scope, operation, public_scope
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.spares import count_spares, fill_spares

__all__ = ["NamespaceTestMixin", "keep_spares", "make_namespace"]

_SPARES = 2
"""As many as most tests need: somebody's namespace and somebody else's."""


def keep_spares() -> None:
    """Have spares ready in the tests' database, outside of any test's transaction.

    A test claims one in a few milliseconds, and gives it back when its transaction is rolled back. So they
    are made once for a run.
    """
    if count_spares() < _SPARES:
        fill_spares(_SPARES)


def _owner(email: str) -> Any:
    """Return the account of the address; a new one has no password: a hash takes a third of a second."""
    accounts: Any = get_user_model().objects
    return accounts.filter(email=email).first() or accounts.create_user(email)


def make_namespace(slug: str, *, name: str = "", owner: Any = None) -> Any:
    """Make an active namespace with all its tables, and its owner's account if none is given.

    Inside a transaction that is rolled back, as a test's is, nothing of it is left. Raises what
    :func:`smartmodels.tenancy.provisioning.provision` raises.
    """
    with public_scope(), operation(actor=Actor.system("tests")):
        owner = owner or _owner(f"owner@{slug}.example")
        return provisioning.provision(slug, name=name or slug.title(), owner=owner)


class NamespaceTestMixin:
    """Gives a ``django.test.TestCase`` a namespace of its own, bound in each test: list it first.

    ``namespace_slug`` names it; the tests find it as ``self.namespace``.
    """

    namespace_slug: ClassVar[str] = "testing"
    namespace: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        """See that a spare is ready, before the transaction of the class begins."""
        keep_spares()
        super().setUpClass()  # type: ignore[misc]

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
