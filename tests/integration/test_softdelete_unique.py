"""H5: what is unique among the living, in models, forms, serializers and the database."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction
from django.forms import modelform_factory

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import RestoreConflict
from tenant_apps.research.models import Study
from tests.zoo.models import Animal, Enclosure, Keeper, Tag

STUDIES = "/api/v1/studies/"
Api = Callable[..., Any]


def test_full_clean__value_of_a_living_row__is_refused_at_its_field(in_alpha: Any) -> None:
    """One field: the message stands at it."""
    Tag.objects.create(label="x")
    with pytest.raises(ValidationError) as caught:
        Tag(label="x").full_clean(exclude=["owner", "created_by", "updated_by"])
    assert caught.value.message_dict == {"label": ["Another row has this label."]}


def test_full_clean__declared_message__is_the_one_people_read(in_alpha: Any) -> None:
    """The model's own words."""
    chip, enclosure = uuid.uuid4(), Enclosure.objects.create(name="E")
    Animal.objects.create(name="a", enclosure=enclosure, chip=chip)
    with pytest.raises(ValidationError, match="Another animal has this chip"):
        Animal(name="b", enclosure=enclosure, chip=chip).validate_constraints()


def test_full_clean__value_of_a_deleted_row__is_free(in_alpha: Any) -> None:
    """A deleted row does not keep its values from others."""
    Tag.objects.create(label="x").delete()
    Tag(label="x").validate_constraints()


def test_full_clean__deleted_row__may_have_the_value_of_a_living_one(in_alpha: Any) -> None:
    """What is deleted does not have to be unique."""
    tag = Tag.objects.create(label="x")
    tag.delete()
    Tag.objects.create(label="x")
    tag.validate_constraints()


def test_full_clean__value_outside_of_the_condition__is_free(in_alpha: Any) -> None:
    """Two keepers without an address have no address in common."""
    Keeper.objects.create(name="a")
    Keeper(name="b").validate_constraints()


def test_form__that_hides_the_deletion__finds_the_duplicate(in_alpha: Any) -> None:
    """A form knows nothing of deleted_at, and still does not end in an error of the database."""
    Tag.objects.create(label="x")
    form = modelform_factory(Tag, fields=["label"])({"label": "x"})
    assert form.errors == {"label": ["Another row has this label."]}


def test_create__duplicate_in_the_database__is_refused(in_alpha: Any) -> None:
    """Whoever goes past validation is stopped by the index."""
    Tag.objects.create(label="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        Tag.objects.create(label="x")


def test_undelete__to_a_value_in_use__is_a_conflict(in_alpha: Any) -> None:
    """409 with the row that has the value."""
    tag = Tag.objects.create(label="x")
    tag.delete()
    Tag.objects.create(label="x")
    with pytest.raises(RestoreConflict, match="label") as caught:
        tag.undelete()
    assert caught.value.status == 409


def test_api__duplicate__says_so_at_each_field(api_of: Api, ana: Any, alpha: Any) -> None:
    """The model's message, pointed at the fields that are taken together."""
    api = api_of(ana, alpha)
    body = {"code": "PAL", "island": "Dream"}
    api.post(STUDIES, body)
    answer = api.post(STUDIES, body)
    errors = {each["pointer"]: each["detail"] for each in answer.json()["errors"]}
    message = "Another study on this island has this code."
    assert (answer.status_code in (400, 409), errors) == (True, {"/code": message, "/island": message})


def test_api__value_of_a_deleted_row__is_free(api_of: Api, ana: Any, alpha: Any) -> None:
    """It can be used again."""
    api, body = api_of(ana, alpha), {"code": "PAL", "island": "Dream"}
    api.delete(f"{STUDIES}{api.post(STUDIES, body).json()['id']}/")
    assert api.post(STUDIES, body).status_code == 201


def test_api__restore_into_a_conflict__answers_409(api_of: Api, ana: Any, alpha: Any) -> None:
    """With what stands in the way."""
    api, body = api_of(ana, alpha), {"code": "PAL", "island": "Dream"}
    first = api.post(STUDIES, body).json()["id"]
    api.delete(f"{STUDIES}{first}/")
    second = api.post(STUDIES, body).json()["id"]
    answer = api.post(f"{STUDIES}{first}/restore/", {})
    assert (answer.status_code, answer.json()["details"]["taken_by"]) == (409, [second])


def test_api__two_at_the_same_moment__one_is_made_and_one_answered_409(
    committing: Any, api_of: Api, ana: Any, alpha: Any
) -> None:
    """The second passed validation before the first was committed."""
    answers: list[Any] = []

    def post() -> None:
        try:
            answers.append(api_of(ana, alpha).post(STUDIES, {"code": "PAL", "island": "Dream"}))
        finally:
            connections.close_all()

    thread = threading.Thread(target=post)
    with namespace_scope(alpha), transaction.atomic(), operation(actor=Actor.user(ana)):
        Study.objects.create(code="PAL", island="Dream")
        thread.start()
        thread.join(timeout=2)  # It validates, then waits for this transaction's row.
    thread.join()
    assert (answers[0].status_code, answers[0].json()["code"]) == (409, "unique")
