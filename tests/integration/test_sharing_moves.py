"""A row that is moved is covered with what it belongs to, and with nothing else, whatever moves it."""

from typing import Any

import pytest
from django.db import connection

from shared_apps.sharing.models import Grant, GrantEvent, SharingPolicy
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.sharing import grant_for, revoke, share
from tenant_apps.research.models import Observation, Specimen, Study
from tests.zoo.models import Animal, Enclosure


@pytest.fixture
def open_study(in_alpha: Any, beta: Any) -> Study:
    """A study that beta edits, with what belongs to it."""
    made: Study = Study.objects.create(code="open")
    given(made, beta, role="edit")
    return made


@pytest.fixture
def specimen(in_alpha: Any) -> Specimen:
    """A specimen of a study that nobody else sees, with an observation."""
    made: Specimen = Specimen.objects.create(
        study=Study.objects.create(code="closed"), number=1, individual="N1", species="Adelie"
    )
    Observation.objects.create(specimen=made)
    return made


def given(row: Any, target: Any, **terms: Any) -> Grant:
    """The operator's consent, for the row and what belongs to it."""
    with operation(actor=Actor.command("share"), nested=False):
        made: Grant = share(row, target, covers_below=True, **terms)
    return made


def living(model: str) -> list[tuple[str, str, str]]:
    """To whom rows of a model are given, as what and how."""
    grants = Grant.objects.filter(model=model, status__in=("pending", "active", "suspended")).order_by("pk")
    return list(grants.values_list("target_slug", "role", "status"))


def test_move__below_a_covered_row__is_visible_there(
    open_study: Study, specimen: Specimen, beta: Any
) -> None:
    """As what it belongs to is."""
    specimen.study = open_study
    specimen.save()
    with namespace_scope(beta):
        grant = grant_for(Specimen, specimen.pk)
    assert grant is not None
    assert (grant.role, grant.cause, grant.source.row_id) == ("edit", "rule", open_study.pk)


def test_move__by_raw_sql__takes_along_what_is_below(open_study: Study, specimen: Specimen) -> None:
    """All the way down, in the same statement."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE research_specimen SET study_id = %s", [open_study.pk])
    assert living("research.observation") == [("beta", "edit", "active")]


def test_move__of_many_at_once__covers_each(open_study: Study, specimen: Specimen) -> None:
    """Each row by itself."""
    rows = [Specimen(study_id=specimen.study_id, number=n, individual="N", species="A") for n in range(5)]
    Specimen.objects.bulk_create(rows)
    Specimen.objects.update(study=open_study)
    assert living("research.specimen") == [("beta", "edit", "active")] * 6


def test_move__there_and_back__is_covered_no_more(open_study: Study, specimen: Specimen) -> None:
    """What was covered with it ends, too."""
    before = specimen.study_id
    for study_id in (open_study.pk, before):
        Specimen.objects.update(study=study_id)
    assert living("research.specimen") + living("research.observation") == []


def test_move__from_one_covered_row_to_another__changes_hands(
    open_study: Study, specimen: Specimen, beta: Any
) -> None:
    """The grant that it had ends, and it gets one as the new one says."""
    other = Study.objects.create(code="other")
    given(other, beta, role="view")
    for study in (open_study, other):
        Specimen.objects.update(study=study)
    assert living("research.specimen") == [("beta", "view", "active")]


def test_move__below_an_offer__waits_with_it(specimen: Specimen, beta: Any) -> None:
    """Nobody sees more than they agreed to."""
    offered = Study.objects.create(code="offered")
    share(offered, beta, covers_below=True)
    Specimen.objects.update(study=offered)
    assert living("research.specimen") == [("beta", "view", "pending")]


@pytest.mark.parametrize(
    ("policy", "found"), [({"outbound": "off"}, []), ({"highest_role": "view"}, ["view"])]
)
def test_move__against_the_policy_of_the_home__gives_no_more(
    policy: dict[str, str], found: list[str], open_study: Study, specimen: Specimen, alpha: Any
) -> None:
    """What it lets out by now."""
    SharingPolicy.objects.create(namespace=alpha, **policy)
    Specimen.objects.update(study=open_study)
    assert [role for _, role, _ in living("research.specimen")] == found


def test_move__below_a_row_that_is_not_shared_any_more__shows_nothing(
    open_study: Study, specimen: Specimen
) -> None:
    """What ended covers nothing."""
    with operation(actor=Actor.command("share")):
        revoke(Grant.objects.get(model="research.study"))
    Specimen.objects.update(study=open_study)
    assert living("research.specimen") == []


def test_move__of_a_row_that_is_shared_by_itself__keeps_its_grant(
    open_study: Study, specimen: Specimen, beta: Any
) -> None:
    """Somebody agreed to that one."""
    with operation(actor=Actor.command("share")):
        share(specimen, beta, role="manage")
    Specimen.objects.update(study=open_study)
    assert living("research.specimen") == [("beta", "manage", "active")]


def test_move__in_a_circle__comes_to_an_end(in_alpha: Any, beta: Any) -> None:
    """Rows may belong to one another."""
    first = Enclosure.objects.create(name="A")
    second = Enclosure.objects.create(name="B")
    given(first, beta)
    Enclosure.objects.filter(pk=first.pk).update(within=second)
    Enclosure.objects.filter(pk=second.pk).update(within=first)
    assert len(living("zoo.enclosure")) == 2


def test_move__that_leaves_another_key_to_the_same_value__is_a_move(in_alpha: Any, beta: Any) -> None:
    """Only keys by which a row belongs to another count, and only rows of the kind that they lead to."""
    pool, other = (Enclosure.objects.create(name=name) for name in ("Pool", "Other"))
    mate = Animal.objects.create(id=pool.pk, name="Mate", enclosure=other)
    animal = Animal.objects.create(name="Pingu", enclosure=pool)
    given(pool, beta)
    Animal.objects.filter(pk=animal.pk).update(mate=mate, enclosure=other)
    assert living("zoo.animal") == []


def test_move__event__is_of_the_home(open_study: Study, specimen: Specimen) -> None:
    """With who moved it."""
    specimen.study = open_study
    specimen.save()
    event = GrantEvent.objects.get(model="research.specimen")
    assert (event.side, event.actor_label, event.status) == ("home", "ana@example.org", "active")
