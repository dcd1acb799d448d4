"""SMARTMODELS_INHERIT_NAMESPACES: new rows are visible where what they belong to is shared with."""

from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ShareRefused
from smartmodels.sharing import active_grants, grants_of, share
from smartmodels.tenancy.models import Role, get_membership_model
from tests.zoo.models import Animal, Enclosure, Sighting

inheriting = override_settings(SMARTMODELS_INHERIT_NAMESPACES="family")


@pytest.fixture
def shared(in_alpha: Namespace, beta: Namespace) -> Enclosure:
    """An enclosure of alpha that beta may edit."""
    enclosure = Enclosure.objects.create(name="Pool")
    with operation(actor=Actor.system(), nested=False):
        share(enclosure, beta, role="edit", covers_below=True)
    return enclosure


def visible_in(namespace: Namespace, user: User, model: Any) -> set[Any]:
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        return set(active_grants(model).values_list("resource__resource_id", flat=True))


@inheriting
def test_create__below_a_shared_row__is_visible_there(shared: Enclosure, beta: Namespace, bea: User) -> None:
    """The new row is granted like the one above."""
    animal = Animal.objects.create(name="Pingu", enclosure=shared)
    assert visible_in(beta, bea, Animal) == {animal.pk}


@inheriting
def test_create__below_a_shared_row__has_the_same_role(shared: Enclosure) -> None:
    """Who may edit the one may edit the other."""
    animal = Animal.objects.create(name="Pingu", enclosure=shared)
    assert [grant.role for grant in grants_of(animal)] == ["edit"]


@inheriting
def test_bulk_create__below_a_shared_row__is_visible_in_few_queries(
    shared: Enclosure, beta: Namespace, bea: User
) -> None:
    """Many rows take no more queries than few."""
    with CaptureQueriesContext(connection) as queries:
        rows = Animal.objects.bulk_create([Animal(name=f"P{n}", enclosure=shared) for n in range(60)])
    assert visible_in(beta, bea, Animal) == {row.pk for row in rows}
    assert len(queries) <= 16


@override_settings(SMARTMODELS_INHERIT_NAMESPACES="home")
def test_create__home__follows_the_rule_alone(
    shared: Enclosure, beta: Namespace, bea: User, ana: User
) -> None:
    """A grant that covers what is below was somebody's decision; where else the creator belongs is none."""
    get_membership_model().objects.create(namespace=beta, user=ana, role=Role.OWNER)
    animal = Animal.objects.create(name="Pingu", enclosure=shared)
    Enclosure.objects.create(name="Other")
    assert visible_in(beta, bea, Animal) == {animal.pk}
    assert visible_in(beta, bea, Enclosure) == {shared.pk}


class Stopped(Exception):
    """What stops a program on its way."""


def stop(execute: Any, sql: str, *details: Any) -> Any:
    """Stop before a new row is granted to anybody."""
    if sql.startswith('INSERT INTO "sharing_grant"'):
        raise Stopped
    return execute(sql, *details)


@pytest.mark.parametrize("many", [False, True])
def test_create__stopped_before_it_follows__makes_no_row(
    committing: Any, shared: Enclosure, many: bool
) -> None:
    """No row is left behind that nobody sees where it belongs."""
    animal = Animal(name="Pingu", enclosure=shared)
    with connection.execute_wrapper(stop), pytest.raises(Stopped):
        Animal.objects.bulk_create([animal]) if many else animal.save()
    assert not Animal.objects.exists()


def test_share__model_that_is_not_shareable__is_refused(in_alpha: Namespace, beta: Namespace) -> None:
    """``class Smart: shareable = False`` holds."""
    enclosure = Enclosure.objects.create(name="E")
    animal = Animal.objects.create(name="A", enclosure=enclosure)
    with pytest.raises(ShareRefused):
        share(Sighting.objects.create(animal=animal), beta)
