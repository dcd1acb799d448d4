"""The examples in the docstrings of views and mixins run, and what they make serves requests."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import override_settings
from django.urls import path
from django.views.generic import DetailView, TemplateView, View

from smartmodels import admin, rest, views
from smartmodels.admin import namespace_site
from smartmodels.admin.model_admin import SmartModelAdmin
from smartmodels.rest.viewsets import RowViewSet
from smartmodels.views.rows import PAGES
from tenant_apps.research.models import Study
from tests.docs.examples import Example, blocks_in, examples_of
from tests.docs.session import ROOT
from tests.zoo.models import Keeper

SMART = ROOT / "platform" / "smartmodels"
MODULES = [
    *(SMART / "views").glob("*.py"),
    SMART / "rest" / "mixins.py",
    SMART / "rest" / "deprecating.py",
    SMART / "admin" / "own_rows.py",
]
EXAMPLES = [example for module in sorted(MODULES) for example in examples_of(module)]
MIXINS = {
    name
    for room in (admin, rest, views)
    for name in room.__all__
    if name.endswith(("Mixin", "ModelForm")) or (room is views and name.startswith("Smart"))
}


class StudyForm(views.SmartModelForm):
    """The form that examples speak of."""

    class Meta:
        model = Study
        fields = ("code", "title", "island")


def given() -> dict[str, Any]:
    """The names that an example may use without importing them."""
    public = {name: getattr(room, name) for room in (rest, views, admin) for name in room.__all__}
    for name in views.__all__:
        public.setdefault(name, getattr(views, name))
    return {
        **public, "UTC": UTC, "datetime": datetime, "path": path, "Study": Study, "Keeper": Keeper,
        "StudyForm": StudyForm, "TemplateView": TemplateView, "DetailView": DetailView, "__name__": "example",
    }  # fmt: skip


def made_by(example: Example) -> dict[str, Any]:
    """What an example defines; ``OwnRowsMixin`` and the like are those of the example's own room."""
    room = views if example.path.parent.name == "views" else rest
    names = {**given(), **{name: getattr(room, name) for name in room.__all__}}
    if "MyStudies.as_view" in example.text:
        names["MyStudies"] = type("MyStudies", (views.OwnRowsMixin, views.SmartListView), {"model": Study})
    before = dict(names)
    exec(compile(example.text, f"{example.path.name} {example.owner}", "exec"), names)  # noqa: S102
    return {
        name: value
        for name, value in names.items()
        if before.get(name) is not value and name != "__builtins__"
    }


def routes_of(name: str, made: Any) -> list[Any]:
    """The URL patterns that serve what an example made."""
    if name == "urlpatterns":
        return list(made)
    if isinstance(made, type) and issubclass(made, RowViewSet):
        return [path("example/", made.as_view({"get": "list"}, basename="example"))]
    if isinstance(made, type) and issubclass(made, View):
        keyed = getattr(made, "page", "list") in PAGES[3:]
        return [path("example/<uuid:pk>/" if keyed else "example/", made.as_view())]
    return []


def address_of(route: Any, study: Study) -> str:
    """The address of a pattern, for this row."""
    return "/" + str(route.pattern).replace("<uuid:pk>", str(study.pk))


@pytest.fixture
def study(in_alpha: Any) -> Study:
    """A row for the pages."""
    row: Study = Study.objects.create(code="PAL0708")
    return row


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.path.stem}-{each.owner}")
def test_example__in_a_docstring__runs_and_serves(
    example: Example, study: Study, client_of: Callable[..., Any], ana: Any, alpha: Any
) -> None:
    """A view answers a member with 200, a form and an admin class can be made."""
    made = made_by(example)
    assert made
    routes = [route for name, each in made.items() for route in routes_of(name, each)]
    urls = type("URLs", (), {"urlpatterns": [*routes, path("admin/", namespace_site.urls)]})
    with override_settings(ROOT_URLCONF=urls):
        for route in routes:
            answer = client_of(ana, alpha).get(address_of(route, study))
            restores = "restore" in str(route.pattern) or "Restore" in example.text
            assert answer.status_code == (404 if restores else 200), route
    for each in made.values():
        if isinstance(each, type) and issubclass(each, views.SmartModelForm):
            assert "code" in each(instance=study).fields
        if isinstance(each, type) and issubclass(each, SmartModelAdmin):
            assert each(Keeper, namespace_site).check() == []


@pytest.mark.parametrize("name", sorted(MIXINS))
def test_mixin__of_the_public_api__has_an_example(name: str) -> None:
    """Somebody who reads its docstring sees how it is used."""
    assert name in {example.owner for example in EXAMPLES}


def test_blocks__of_a_docstring__end_where_the_text_goes_on() -> None:
    """Only what is indented below the two colons."""
    text = "Say this::\n\n    one\n\n    two\n\nand that."
    assert list(blocks_in(text)) == ["one\n\ntwo"]
