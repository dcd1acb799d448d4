"""For the tests of projects that use the library."""

from smartmodels.testing.namespaces import NamespaceTestMixin, make_namespace

__all__ = ["NamespaceTestMixin", "make_namespace"]
