"""Which models are rendered for a migration."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import migrations, models
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.functions import Lower

from smartmodels.tenancy.migrating.narrowing import narrowed


class Curious(models.CheckConstraint):
    """A constraint that may look at whatever it likes."""


def model(name: str, /, **fields: Any) -> ModelState:
    """The state of a model of the app ``shop``."""
    curious: Any = [Curious(condition=models.Q(pk__gt=0), name="curious")]
    key: list[Any] = [("id", models.BigAutoField(primary_key=True))]
    return ModelState("shop", name, [*key, *fields.items()], {"constraints": curious, "indexes": []})


@pytest.fixture
def project() -> ProjectState:
    """A maker of things that parts belong to, and a list of parts."""
    made = ProjectState()
    made.add_model(model("Maker", name=models.CharField(max_length=9)))
    made.add_model(model("Thing", maker=models.ForeignKey("shop.Maker", models.CASCADE)))
    made.add_model(model("Part", thing=models.ForeignKey("shop.Thing", models.CASCADE, null=True)))
    made.add_model(model("List", parts=models.ManyToManyField("shop.Part")))
    return made


def of(*operations: Any) -> Any:
    """A migration of these operations."""
    made = migrations.Migration("0002", "shop")
    made.operations = list(operations)
    return made


WORD = models.CharField(max_length=9, default="")
LOCAL = [
    migrations.AddField("thing", "word", WORD),
    migrations.AddIndex("thing", models.Index(Lower("id"), name="lower")),
    migrations.RemoveIndex("thing", "lower"),
    migrations.AddConstraint("thing", models.UniqueConstraint(fields=["maker"], name="one")),
]
WIDE = [
    migrations.AddField("thing", "other", models.ForeignKey("shop.Maker", models.CASCADE)),
    migrations.AddConstraint("thing", Curious(condition=models.Q(pk__gt=1), name="more")),
    migrations.RemoveConstraint("thing", "curious"),
    migrations.AlterField("thing", "id", models.AutoField(primary_key=True)),
    migrations.RemoveField("thing", "maker"),
    migrations.RunSQL("SELECT 1"),
    migrations.DeleteModel("thing"),
]


@pytest.mark.parametrize("operation", LOCAL, ids=lambda each: type(each).__name__)
def test_narrowed__change_of_own_columns__is_the_model_and_what_it_refers_to(
    project: ProjectState, operation: Any
) -> None:
    """What refers to the model is left out."""
    few = narrowed(project, of(operation))
    assert few is not None
    assert set(few.models) == {("shop", "thing"), ("shop", "maker")}


@pytest.mark.parametrize("operation", WIDE, ids=lambda each: type(each).__name__)
def test_narrowed__may_look_at_others__is_refused(project: ProjectState, operation: Any) -> None:
    """One such operation among others is enough."""
    assert narrowed(project, of(LOCAL[0], operation)) is None


def test_narrowed__many_to_many__takes_both_ends(project: ProjectState) -> None:
    """A relation of many is followed like any other."""
    few = narrowed(project, of(migrations.AddField("list", "word", WORD)))
    assert few is not None
    assert len(few.models) == 4


def test_narrowed__changed__leaves_the_project_as_it_is(project: ProjectState) -> None:
    """The copy is the migration's own."""
    few = narrowed(project, of(LOCAL[0]))
    assert few is not None
    LOCAL[0].state_forwards("shop", few)
    assert "word" not in project.models["shop", "thing"].fields


def test_narrowed__unknown_model__is_refused(project: ProjectState) -> None:
    """What is not in the state may be among the apps that have no migrations."""
    assert narrowed(project, of(migrations.AddField("stranger", "word", WORD))) is None


def test_narrowed__swappable_user__finds_it_by_its_setting(project: ProjectState) -> None:
    """A setting names a model like anybody does."""
    user = get_user_model()._meta
    project.add_model(
        ModelState(user.app_label, user.object_name or "", [("id", models.AutoField(primary_key=True))])
    )
    project.add_model(model("Own", user=models.ForeignKey("accounts.User", models.CASCADE)))
    few = narrowed(project, of(migrations.AddField("own", "word", WORD)))
    assert few is not None
    assert set(few.models) == {("shop", "own"), (user.app_label, user.model_name)}
