"""What an app writes to have an API, and what is refused."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from smartmodels.rest import SMART_FIELDS, ResourceViewSet, derive_serializer, register
from smartmodels.rest.registry import discover, registered
from tenant_apps.research.models import Observation, Specimen, Study


def test_registered__after_discovery__is_by_plural_name() -> None:
    """The path is the model's plural name."""
    discover()
    assert {"activities", "observations", "specimens", "studies"} <= registered().keys()


def test_register__path_of_another_model__is_refused() -> None:
    """Two models cannot have one address; the message says what to do."""
    discover()
    viewset: Any = type("Wrong", (ResourceViewSet,), {})
    with pytest.raises(ImproperlyConfigured, match=r"give one of them a path"):
        register(Specimen, path="studies")(viewset)


def test_derive__model__shows_smart_fields_read_only() -> None:
    """What the platform fills in cannot be set."""
    fields = derive_serializer(Study)().fields
    assert {name for name in SMART_FIELDS if fields[name].read_only} == set(SMART_FIELDS)


def test_derive__model__lets_its_own_fields_be_set() -> None:
    """Everything an author of a model declares is writable, unless it is not editable."""
    fields = derive_serializer(Study)().fields
    assert [name for name, field in fields.items() if not field.read_only] == [
        "code",
        "title",
        "region",
        "island",
        "notes",
    ]


@pytest.mark.parametrize("hidden", ["former_owner_id", "deleted_in", "deleted_by"])
def test_derive__model__hides_the_books(hidden: str) -> None:
    """How deletion is kept book of is nobody's business."""
    assert hidden not in derive_serializer(Study)().fields


def test_derive__fields_named__shows_only_those() -> None:
    """Besides the smart fields."""
    fields = derive_serializer(Observation, ("specimen", "body_mass_g"))().fields
    assert set(fields) - set(SMART_FIELDS) - {"home", "role", "shared"} == {"specimen", "body_mass_g"}


def test_derive__field_misspelt__is_refused() -> None:
    """A name that is no field is an error at start, not at the first request."""
    with pytest.raises(ValueError, match="no field 'colour'"):
        derive_serializer(Study, ("code", "colour"))
