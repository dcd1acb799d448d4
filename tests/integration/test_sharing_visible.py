"""``Study.objects.visible()``, and rows by the namespaces in which they are visible."""

import json
from typing import Any

import pytest
from django.db.models import Count
from django.test import override_settings

from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import InvalidInput
from smartmodels.sharing import reshare, revoke, share
from smartmodels.tenancy.models import State
from tenant_apps.research.models import Specimen, Study

STUDIES = "/api/v1/studies/"


def made(user: Any, namespace: Any, code: str) -> Study:
    """A study that the user made in the namespace."""
    with namespace_scope(namespace), operation(actor=Actor.user(user)):
        study: Study = Study.objects.create(code=code)
    return study


def granted(row: Any, home: Any, target: Any, **terms: Any) -> Any:
    """Share a row as the operator, who speaks for both sides."""
    with namespace_scope(home), operation(actor=Actor.command("share")):
        return share(row, target, **terms)


@pytest.fixture
def gamma(alpha: Any, ana: Any) -> Namespace:
    """A third namespace."""
    return Namespace.objects.create(slug="gamma", schema_name="t_gamma", state=State.ACTIVE)


@pytest.fixture
def four(alpha: Any, beta: Any, gamma: Any, ana: Any, bea: Any) -> list[Study]:
    """A1 is shared with beta, A2 with beta and gamma, A3 with nobody; B is beta's own."""
    rows = [made(ana, alpha, code) for code in ("A1", "A2", "A3")]
    granted(rows[0], alpha, beta)
    granted(rows[1], alpha, beta, role="edit")
    granted(rows[1], alpha, gamma)
    return [*rows, made(bea, beta, "B")]


# In Python


@pytest.mark.parametrize(
    ("scope", "expected"), [("all", ["A1", "A2", "B"]), ("own", ["B"]), ("shared", ["A1", "A2"])]
)
def test_visible__in_a_scope__has_its_rows(
    scope: str, expected: list[str], four: list[Study], beta: Any
) -> None:
    """Own and shared ones, as the lists of the API."""
    with namespace_scope(beta):
        assert [row.code for row in Study.objects.visible(scope).order_by("code")] == expected


def test_visible__rows__say_where_they_are_from(four: list[Study], beta: Any) -> None:
    """And what may be done with them here."""
    with namespace_scope(beta):
        rows = Study.objects.visible().order_by("code")
        assert [(row.home, row.is_shared, row.granted_role) for row in rows] == [
            ("alpha", True, "view"), ("alpha", True, "edit"), ("beta", False, None),
        ]  # fmt: skip


def test_visible__nothing_shared__says_the_same(alpha: Any, ana: Any) -> None:
    """What a row says does not hang on what others share."""
    made(ana, alpha, "A")
    with namespace_scope(alpha):
        row = Study.objects.visible().get()
    assert (row.home, row.is_shared, row.granted_role) == ("alpha", False, None)


def test_visible__filtered_and_counted__is_one_queryset(four: list[Study], beta: Any) -> None:
    """Conditions and aggregates run over all of it."""
    with namespace_scope(beta):
        rows = Study.objects.visible().filter(code__in=["A1", "A3", "B"])
        homes = dict(rows.values_list("home").annotate(number=Count("pk")))
    assert homes == {"alpha": 1, "beta": 1}


def test_visible__revoked__is_gone_at_once(four: list[Study], alpha: Any, beta: Any) -> None:
    """Even of a queryset made before."""
    grant = granted(four[2], alpha, beta)
    with operation(actor=Actor.command("share")):
        revoke(grant)
    with namespace_scope(beta):
        assert [row.code for row in Study.objects.visible("shared").order_by("code")] == ["A1", "A2"]


def test_visible__home_in_maintenance__leaves_its_rows_out(four: list[Study], alpha: Any, beta: Any) -> None:
    """What cannot be read is in no queryset."""
    Namespace.objects.filter(pk=alpha.pk).update(state=State.MAINTENANCE)
    with namespace_scope(beta):
        assert [row.code for row in Study.objects.visible()] == ["B"]


def test_visible__of_too_many_homes__names_the_parts(four: list[Study], beta: Any) -> None:
    """No statement touches more schemas than it may."""
    with namespace_scope(beta), override_settings(SMARTMODELS_SCHEMAS_PER_STATEMENT=1):
        with pytest.raises(InvalidInput, match="visible_parts"):
            Study.objects.visible()
        assert len(Study.objects.visible_parts()) == 2


@pytest.mark.parametrize("scope", ["", "everything"])
def test_visible__in_no_scope__is_refused(scope: str, alpha: Any) -> None:
    """Rather than showing too much."""
    with namespace_scope(alpha), pytest.raises(InvalidInput, match="scope"):
        Study.objects.visible(scope)


def test_visible__of_a_relation__is_refused(in_alpha: Any) -> None:
    """It would forget whose rows are meant."""
    study = Study.objects.create(code="A")
    Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
    with pytest.raises(InvalidInput, match="objects"):
        study.specimens.visible()


@pytest.mark.parametrize(
    ("slugs", "expected"),
    [(["alpha"], ["A1", "A2"]), (["beta"], ["A1", "A2", "B"]), (["gamma"], ["A2"]), (["delta"], []),
     (["sentinel"], ["A1", "A2", "B"])],
)  # fmt: skip
def test_visible__by_namespaces__finds_rows_of_all_homes(
    slugs: list[str], expected: list[str], four: list[Study], beta: Any
) -> None:
    """A row belongs to its home and to where a grant shows it."""
    with namespace_scope(beta):
        rows = Study.objects.visible().filter(namespaces__in=slugs).order_by("code")
        assert [row.code for row in rows] == expected


# Over REST


def codes(api: Any, where: Any, **asked: Any) -> list[str]:
    """What a list finds."""
    answer = api.get(STUDIES, filter=json.dumps({"where": where, "order": "code"}), **asked)
    assert answer.status_code == 200, answer.content
    return [row["code"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("beta", ["A1", "A2"]), ("gamma", ["A2"]), ("alpha", ["A1", "A2", "A3"]), ("nobody", []),
     ({"neq": "beta"}, ["A3"]), ({"inq": ["gamma", "nobody"]}, ["A2"]), ({"nin": ["gamma"]}, ["A1", "A3"]),
     ({"inq": ["beta"], "neq": "gamma"}, ["A1"])],
)  # fmt: skip
def test_where_namespaces__at_home__finds_what_is_visible_there(
    asked: Any, expected: list[str], four: list[Study], alpha: Any, ana: Any, api_of: Any
) -> None:
    """The home knows with whom it shares."""
    assert codes(api_of(ana, alpha), {"namespaces": asked}) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("beta", ["A1", "A2", "B"]), ("alpha", ["A1", "A2"]), ("gamma", []),
     ({"neq": "gamma"}, ["A1", "A2", "B"]), ({"neq": "alpha"}, ["B"])],
)  # fmt: skip
@pytest.mark.parametrize("scope", ["all", "shared"])
def test_where_namespaces__in_a_target__tells_of_itself_and_the_home(
    scope: str, asked: Any, expected: list[str], four: list[Study], beta: Any, bea: Any, api_of: Any
) -> None:
    """With whom else a home shares is not for one whom it shares with to find out."""
    wanted = expected if scope == "all" else [code for code in expected if code != "B"]
    assert codes(api_of(bea, beta), {"namespaces": asked}, scope=scope) == wanted


def test_where_namespaces__of_a_managed_row__tells_no_third_name(
    four: list[Study], alpha: Any, beta: Any, gamma: Any, bea: Any, api_of: Any
) -> None:
    """Who manages a row sees that it has other grants, not to whom: guessing names is no way round."""
    granted(four[2], alpha, beta, role="manage")
    granted(four[2], alpha, gamma)
    found = [codes(api_of(bea, beta), {"namespaces": asked}) for asked in ("gamma", {"neq": "gamma"})]
    assert found == [[], ["A1", "A2", "A3", "B"]]


def test_where_namespaces__of_what_was_passed_on__finds_it(
    four: list[Study], alpha: Any, beta: Any, gamma: Any, bea: Any, api_of: Any
) -> None:
    """Who passed a row on knows to whom."""
    held = granted(four[2], alpha, beta, may_reshare=True)
    with namespace_scope(beta), operation(actor=Actor.command("share")):
        reshare(held, gamma)
    assert codes(api_of(bea, beta), {"namespaces": "gamma"}) == ["A3"]


def test_where_namespaces__pending_and_ended__do_not_count(
    four: list[Study], alpha: Any, beta: Any, ana: Any, api_of: Any
) -> None:
    """Visible is what an active grant shows."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        share(four[2], beta)
    assert codes(api_of(ana, alpha), {"namespaces": "beta"}) == ["A1", "A2"]


def test_where_namespaces__in_brackets__is_understood(
    four: list[Study], alpha: Any, ana: Any, api_of: Any
) -> None:
    """As every other condition."""
    answer = api_of(ana, alpha).get(f"{STUDIES}?filter[where][namespaces][inq]=gamma")
    assert [row["code"] for row in answer.json()["results"]] == ["A2"]


@pytest.mark.parametrize(
    "asked", [None, 5, [], ["beta"], {}, {"like": "b%"}, {"inq": "beta"}, {"eq": "a\0"}, ""]
)
def test_where_namespaces__malformed__is_refused(asked: Any, alpha: Any, ana: Any, api_of: Any) -> None:
    """With where it is wrong."""
    answer = api_of(ana, alpha).get(STUDIES, filter=json.dumps({"where": {"namespaces": asked}}))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"][:17]) == (400, "/where/namespaces")


def test_count__by_namespaces__counts_what_the_list_shows(
    four: list[Study], beta: Any, bea: Any, api_of: Any
) -> None:
    """A count is no way round."""
    answer = api_of(bea, beta).get(f"{STUDIES}count/", where='{"namespaces": "gamma"}')
    assert answer.json()["count"] == 0
