"""The model forms of smartmodels.views: what they offer, and what they never set."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django import forms
from django.contrib.auth import get_user_model
from django.test import override_settings

from shared_apps.namespaces.models import Membership
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import timeline
from smartmodels.models import SmartModel
from smartmodels.sharing import grants_of, share
from smartmodels.views import SmartModelForm, form_of
from smartmodels.views.choices import offered
from tenant_apps.research.models import Specimen, Study
from tests.zoo.models import Animal, Enclosure, Keeper, Tag

SMART = {field.name for field in SmartModel._meta.get_fields()} | {"id", "deleted_at", "deleted_in"}


class Careless(SmartModelForm):
    """A form whose author names what nobody may set."""

    owner = forms.ModelChoiceField(get_user_model().objects.all())
    deleted_at = forms.DateTimeField(required=False)

    class Meta:
        model = Keeper
        fields = ("name",)


def chosen(form: Any, name: str) -> list[Any]:
    """The keys that a field offers."""
    return [str(value) for value, _ in form.fields[name].choices if value != ""]


@pytest.mark.parametrize("model", [Study, Specimen, Animal, Keeper])
def test_form__of_a_model__has_no_smart_field(in_alpha: Any, model: Any) -> None:
    """What the platform fills in is not asked for."""
    assert SMART & form_of(model)().fields.keys() == set()


def test_form__that_declares_smart_fields__does_not_set_them(in_alpha: Any, ana: Any, ben: Any) -> None:
    """Not even where a form names them: the actor of the operation is the owner."""
    form = Careless({"name": "Kim", "owner": str(ben.pk), "deleted_at": "2020-01-01"})
    row = form.save() if form.is_valid() else None
    assert row is not None, form.errors
    row.refresh_from_db()
    assert (row.owner_id, row.created_by_id, row.deleted_at) == (ana.pk, ana.pk, None)


def test_form__foreign_key__offers_living_rows_of_the_namespace(
    in_alpha: Any, alpha: Any, beta: Any, bea: Any
) -> None:
    """Neither deleted ones nor those of other namespaces."""
    living, deleted = (Enclosure.objects.create(name=name) for name in ("living", "deleted"))
    deleted.delete()
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        Enclosure.objects.create(name="elsewhere")
    assert chosen(form_of(Animal)(), "enclosure") == [str(living.pk)]


@pytest.mark.parametrize("case", ["deleted", "elsewhere", "no key", "\x00"])
def test_form__foreign_key_to_another_row__is_refused(in_alpha: Any, beta: Any, bea: Any, case: str) -> None:
    """Whatever is posted, only what is offered is taken."""
    deleted = Enclosure.objects.create(name="deleted")
    deleted.delete()
    with namespace_scope(beta), operation(actor=Actor.user(bea)):
        elsewhere = Enclosure.objects.create(name="elsewhere")
    given = {"deleted": str(deleted.pk), "elsewhere": str(elsewhere.pk)}.get(case, case)
    form = form_of(Animal)({"name": "Ada", "enclosure": given})
    assert list(form.errors) == ["enclosure"]


def test_form__in_private_mode__offers_own_rows_only(in_alpha: Any, alpha: Any, ben: Any) -> None:
    """Others' rows are invisible there, also as a choice."""
    Enclosure.objects.create(name="of ana")
    with override_settings(SMARTMODELS_OWNER_MODEL="accounts.User"):
        with operation(actor=Actor.user(ben), nested=False):
            assert chosen(form_of(Animal)(), "enclosure") == []
        assert len(chosen(form_of(Animal)(), "enclosure")) == 1


def test_form__many_rows_to_choose_from__offers_a_bounded_list_with_the_present_one(in_alpha: Any) -> None:
    """What is chosen already is never missing, and what is not listed may still be posted."""
    rows = Enclosure.objects.bulk_create([Enclosure(name=f"E{number}") for number in range(6)])
    animal = Animal.objects.create(name="Ada", enclosure=rows[5])
    with override_settings(SMARTMODELS_PAGE_SIZE_MAX=3):
        listed = chosen(form_of(Animal)(instance=animal), "enclosure")
        form = form_of(Animal)({"name": "Ada", "enclosure": str(rows[4].pk)}, instance=animal)
        assert (len(listed), str(rows[5].pk) in listed, form.is_valid()) == (4, True, True)


def test_offered__people__are_the_members_of_the_namespace(in_alpha: Any, bea: Any, ben: Any) -> None:
    """A form names nobody of other namespaces."""
    people = set(offered(get_user_model()))
    assert (bea in people, ben in people) == (False, True)


def test_form__links__are_saved(in_alpha: Any) -> None:
    """Many-to-many fields as well."""
    tag, home = Tag.objects.create(label="shy"), Enclosure.objects.create(name="E")
    form = form_of(Animal)({"name": "Ada", "enclosure": str(home.pk), "tags": [str(tag.pk)]})
    assert list(form.save().tags.all()) == [tag]


def test_form__moment_that_was_not_changed__stays_exact(in_alpha: Any) -> None:
    """Browsers know whole seconds; what they did not change is not rounded."""
    exact = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    home = Enclosure.objects.create(name="E")
    animal = Animal.objects.create(name="Ada", enclosure=home, seen_at=exact)
    given = {"name": "Eve", "enclosure": str(home.pk), "seen_at": "2026-01-02T03:04:05"}
    form_of(Animal)(given, instance=animal).save()
    animal.refresh_from_db()
    assert (animal.name, animal.seen_at) == ("Eve", exact)


# Sharing


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A study of alpha, whose owner is ana."""
    row: Study = Study.objects.create(code="PAL0708")
    return row


@pytest.fixture
def of_both(beta: Any, ana: Any) -> None:
    """Ana is a member of beta, too."""
    Membership.objects.create(namespace=beta, user=ana, role="member")


def shared_with(row: Study) -> list[str]:
    """The slugs of the namespaces that the row was offered to."""
    return sorted(grant.target.slug for grant in _grants(row))


def _grants(row: Study) -> Any:
    return grants_of(row)


def test_namespaces__actor_is_member_of_another__are_offered(study: Study, of_both: None, beta: Any) -> None:
    """Those of one's own, without the one where the row lives."""
    assert chosen(form_of(Study)(instance=study), "namespaces") == [str(beta.pk)]


def test_namespaces__actor_has_no_other__are_not_asked_for(study: Study, beta: Any) -> None:
    """There is nothing to choose."""
    assert "namespaces" not in form_of(Study)(instance=study).fields


def test_namespaces__posted_but_not_offered__is_refused(study: Study, of_both: None, alpha: Any) -> None:
    """Only memberships count."""
    form = form_of(Study)({"code": "X", "namespaces": [str(alpha.pk)]}, instance=study)
    assert "namespaces" in form.errors


def test_namespaces__chosen__offers_the_row_there(study: Study, of_both: None, beta: Any) -> None:
    """It is pending until somebody who manages that namespace accepts."""
    form_of(Study)({"code": "PAL0708", "namespaces": [str(beta.pk)]}, instance=study).save()
    [grant] = _grants(study)
    assert (grant.target_id, grant.status) == (beta.pk, "pending")


def test_namespaces__chosen_with_nothing_else__writes_no_version(
    study: Study, of_both: None, beta: Any
) -> None:
    """The row itself did not change."""
    form_of(Study)({"code": "PAL0708", "namespaces": [str(beta.pk)]}, instance=study).save()
    assert timeline(Study, study.pk).count() == 1


def test_namespaces__left_out__takes_the_row_back(study: Study, of_both: None, beta: Any) -> None:
    """Unticked is revoked."""
    share(study, beta)
    form_of(Study)({"code": "PAL0708"}, instance=study).save()
    assert shared_with(study) == []


def test_namespaces__that_are_not_the_actors__are_left_alone(study: Study, beta: Any, ana: Any) -> None:
    """Saving a form revokes no grant that it could not show."""
    share(study, beta)
    form_of(Study)({"code": "changed"}, instance=study).save()
    assert shared_with(study) == ["beta"]


def test_namespaces__for_a_plain_member__are_not_asked_for_and_not_set(
    alpha: Any, beta: Any, ben: Any
) -> None:
    """Sharing is for owners and admins of the row's namespace, though ben is a member of both."""
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        row = Study.objects.create(code="BEN")
        form = form_of(Study)({"code": "BEN", "namespaces": [str(beta.pk)]}, instance=row)
        form.save()
        assert ("namespaces" in form.fields, shared_with(row)) == (False, [])
