"""What the library offers to the tests of projects that use it."""

import unittest
from typing import Any

from django.test import TestCase

from shared_apps.namespaces.models import Namespace
from smartmodels.context import current_namespace
from smartmodels.tenancy.spares import count_spares
from smartmodels.testing import NamespaceTestMixin, make_namespace
from tests.zoo.models import Keeper


def case() -> type[TestCase]:
    """A case as a project would write it, out of the sight of pytest."""

    class Keepers(NamespaceTestMixin, TestCase):
        namespace_slug = "cases"

        def test_rows__of_one_test__are_gone_in_the_next(self) -> None:
            """The transaction of each test is rolled back."""
            assert current_namespace() == self.namespace
            assert Keeper.objects.count() == 0
            Keeper.objects.create(name="Ada")

        test_again = test_rows__of_one_test__are_gone_in_the_next

    return Keepers


def test_mixin__gives_each_class_a_namespace__and_the_spare_back(committing: Any) -> None:
    """Both tests pass, nothing of the namespace is left, and the spares are ready for the next class."""
    outcome = unittest.TestLoader().loadTestsFromTestCase(case())(unittest.TestResult())
    assert outcome is not None
    assert (outcome.testsRun, outcome.errors, outcome.failures) == (2, [], [])
    assert not Namespace.objects.filter(slug="cases").exists()
    assert count_spares() == 2


def test_make_namespace__made_up_owner__has_no_password(db: None) -> None:
    """To hash one takes longer than all the rest."""
    owner = make_namespace("fresh").memberships.get().user
    assert not owner.has_usable_password()
