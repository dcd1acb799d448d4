"""What can be nested by a viewset, and what is told of anything else."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.test.utils import isolate_apps

from smartmodels.rest.nested.declaring import relation_of


@pytest.fixture
def person() -> Iterator[Any]:
    """Somebody with friends, which goes both ways, and with guests, of whom more is known."""
    with isolate_apps("tests.zoo"):

        class Visit(models.Model):
            host = models.ForeignKey("zoo.Person", on_delete=models.CASCADE, related_name="+")
            guest = models.ForeignKey("zoo.Person", on_delete=models.CASCADE, related_name="+")

            class Meta:
                app_label = "zoo"

            def __str__(self) -> str:
                return "A visit"

        class Person(models.Model):
            friends = models.ManyToManyField("self")
            guests = models.ManyToManyField(
                "self",
                through=Visit,
                through_fields=("host", "guest"),
                related_name="hosts",
                symmetrical=False,
            )
            heroes = models.ManyToManyField("self", symmetrical=False, related_name="fans")

            class Meta:
                app_label = "zoo"

            def __str__(self) -> str:
                return "Somebody"

        yield Person


@pytest.mark.parametrize("name", ["friends", "guests", "hosts"])
def test_relation__links_with_more_to_them__are_refused_with_what_to_do(person: Any, name: str) -> None:
    """Those with a model of their own, from either side, and those that go both ways."""
    with pytest.raises(ImproperlyConfigured, match="nest the rows of that model, or leave the field to the"):
        relation_of(person, name)


@pytest.mark.parametrize(("name", "is_reverse"), [("heroes", False), ("fans", True)])
def test_relation__mere_links__can_be_nested(person: Any, name: str, is_reverse: bool) -> None:
    """From either side, also within one model."""
    found = relation_of(person, name)
    assert (found.is_linked, found.is_reverse) == (True, is_reverse)


@pytest.mark.parametrize("name", ["nothing", "id"])
def test_relation__name_of_none__is_refused(person: Any, name: str) -> None:
    """With the name and the model."""
    with pytest.raises(ImproperlyConfigured, match=f"'{name}'.*zoo.Person"):
        relation_of(person, name)
