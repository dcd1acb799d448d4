"""A namespace copied into a new one, as it is or with nobody to be recognised in it."""

from typing import Any

import pytest
from django.db import connection

from shared_apps.accounts.models import Session, Token, User
from shared_apps.namespaces.models import Membership, Namespace
from shared_apps.sharing.models import Grant, SharedResource
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history.evidence import verify
from smartmodels.sharing import share
from smartmodels.tenancy import life
from smartmodels.transfer import Wish, clone_namespace
from tenant_apps.activities.models import Activity
from tenant_apps.research.models import Study
from tests.support.keys import make
from tests.support.lives import act
from tests.support.moving import checksum, fill, tables
from tests.support.oauth import register
from tests.zoo.models import Animal, Keeper


def everything_said(schema: str) -> str:
    """All rows of all tables as text."""
    said = []
    with connection.cursor() as cursor:
        for name in tables(schema):
            cursor.execute(f'SELECT t::text FROM "{schema}"."{name}" t')  # noqa: S608
            said += [row for (row,) in cursor.fetchall()]
    return "\n".join(said)


@pytest.fixture
def full(committing: Any, alpha: Any, beta: Any, ana: Any, ben: Any) -> Any:
    """Alpha with rows of two people, a grant, a token and a comment that names people."""
    fill(alpha, ana, rows=1)
    Token.issue(ana, alpha.pk)
    make(alpha, ana)
    register(alpha, ana)
    act(life.set_origins, alpha, ["https://app.example.org"])
    User.objects.filter(pk=ben.pk).update(name="Benedict Marlow")
    with namespace_scope(alpha), operation(actor=Actor.user(ben)):
        study = Study.objects.get()
        with operation(actor=Actor.user(ana)):
            share(study, beta)
        liked = Activity.objects.get()
        for text in ("seen by Clara Oswin and ANA@example.org", "Benedict Marlow agrees"):
            Activity.objects.create(
                kind="comment", resource_type=liked.resource_type, resource_id=study.pk, text=text
            )
        Keeper.objects.update(name="Clara Oswin-Smith")
        Animal.objects.update(payload={"by": ["ben@example.org", "clara oswin-smith"]})
    return alpha


def left_behind(namespace: Any) -> tuple[Any, ...]:
    """What a clone neither takes along nor changes."""
    counts = [model.objects.count() for model in (Token, Session, Grant)]
    return (*counts, checksum(namespace.schema_name))


def test_clone__plain__holds_the_same_rows_and_nobody(full: Any, ana: Any, staff: Any) -> None:
    """The rows and their evidence are the same; whoever could come in, and grants, stay behind."""
    before = (
        Token.objects.count(),
        Session.objects.count(),
        Grant.objects.count(),
        checksum(full.schema_name),
    )
    with operation(actor=Actor.system("tests")):
        made = clone_namespace(full, Wish(staff, "gamma")).namespace
    after = (
        Token.objects.count(),
        Session.objects.count(),
        Grant.objects.count(),
        checksum(full.schema_name),
    )
    assert after == before
    assert [each.user for each in Membership.objects.filter(namespace=made)] == [staff]
    assert not SharedResource.objects.filter(home=made).exists()
    assert (made.api_keys.count(), made.oauth_applications.count(), made.cors_origins) == (0, 0, [])
    migrations = [name for name in tables(made.schema_name) if name != "django_migrations"]
    assert set(migrations) == set(tables(full.schema_name)) - {"django_migrations"}
    with namespace_scope(made):
        assert Study.objects.get().owner_id == ana.pk
        assert verify().is_intact


def test_clone__with_models_left_out__has_neither_their_rows_nor_their_versions(
    full: Any, staff: Any, settings: Any
) -> None:
    """What SMARTMODELS_CLONE_EXCLUDE names stays behind with its history; the rest comes along."""
    settings.SMARTMODELS_CLONE_EXCLUDE = ["activities.Activity"]
    with operation(actor=Actor.system("tests")):
        made = clone_namespace(full, Wish(staff, "gamma")).namespace
    with namespace_scope(made):
        assert (Activity.all_objects.count(), Activity.history.count()) == (0, 0)
        assert Study.objects.count() == 1


def test_clone__anonymised__says_nothing_of_anybody(full: Any, ana: Any, ben: Any, staff: Any) -> None:
    """No name, address or key of the people of the original stands anywhere in it, and its history holds."""
    with operation(actor=Actor.system("tests")):
        made = clone_namespace(full, Wish(staff, "gamma"), anonymise=True).namespace
    said = everything_said(made.schema_name).lower()
    people = ("clara", "oswin", "marlow", "example.org", "zoo.example", str(ana.pk), str(ben.pk))
    assert [word for word in people if word in said] == []
    with namespace_scope(made):
        assert verify().is_intact
        assert Activity.objects.values("created_by").distinct().count() == 2
        keeper = Keeper.objects.get()
        assert keeper.history.latest().name == keeper.name != ""


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"into": "Not A Slug"}, 400),
        ({"into": "beta"}, 409),
        ({"into": "gamma", "owner": "nobody"}, 400),
        ({"into": "gamma", "schema": "public"}, 400),
    ],
)
def test_endpoint__clone_of_bad_input__refuses(
    body: dict[str, str], status: int, pair: Any, staff: Any, api_of: Any
) -> None:
    """A sentence, and no namespace."""
    before = set(Namespace.objects.values_list("slug", flat=True))
    answer = api_of(staff, None).post("/api/v1/namespaces/alpha/clone/", body)
    assert answer.status_code == status, answer.content
    assert set(Namespace.objects.values_list("slug", flat=True)) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("1234567", 1234567),
        ('Ann "Bo" Lee', 'asked ann "bo" lee'),
        ("comment", "no comment from:\nclara.oswin@example.org"),
    ],
)
def test_clone__anonymised__takes_names_out_of_json_whatever_they_are(
    committing: Any, alpha: Any, ana: Any, name: str, said: Any
) -> None:
    """No name keeps a namespace from being cloned, and none stays because JSON writes it otherwise."""
    fill(alpha, ana, rows=1)
    User.objects.filter(pk=ana.pk).update(name=name)
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        Animal.objects.update(payload={"said": said, "n": [1.5, None, {}, []], "ok": True})
        kinds = set(Activity.objects.values_list("kind", flat=True))
    with operation(actor=Actor.system("tests")):
        made = clone_namespace(alpha, Wish(ana, "copy"), anonymise=True).namespace
    with namespace_scope(made):
        payloads = list(Animal.objects.values_list("payload", flat=True))
        assert set(Activity.objects.values_list("kind", flat=True)) == kinds
    for payload in payloads:
        assert (payload["n"], payload["ok"]) == ([1.5, None, {}, []], True)
        text = str(payload["said"]).lower().replace("somebody", "")
        assert not [word for word in ("1234567", "bo", "oswin", "comment") if word in text]
