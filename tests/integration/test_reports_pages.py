"""The staff pages of reports on the public host."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.reports import FORMATS
from tenant_apps.research.models import Specimen
from tests.support.many import four_namespaces

LIST, PAGE = "/reports/", "/reports/research.body_mass/"
EVERY_PATH = [LIST, PAGE, *(PAGE + form for form in FORMATS)]


@pytest.fixture
def four(rows: None) -> list[Namespace]:
    """alpha, beta, gamma and delta, with random rows."""
    return four_namespaces()


@pytest.fixture
def desk(staff: User, client_of: Callable[..., Client]) -> Client:
    """The browser of staff on the public host."""
    return client_of(staff, None)


# Who


@pytest.mark.parametrize("path", EVERY_PATH)
def test_pages__anonymous__go_to_the_staff_login(
    rows: None, client_of: Callable[..., Client], path: str
) -> None:
    """The login leads back to the page."""
    answer = client_of(None, None).get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/admin/login/?next={path}"


@pytest.mark.parametrize("path", EVERY_PATH)
def test_pages__member_who_is_not_staff__is_refused(
    ana: User, client_of: Callable[..., Client], path: str
) -> None:
    """Owning a namespace opens no view on the others."""
    assert client_of(ana, None).get(path).status_code == 403


@pytest.mark.parametrize("path", EVERY_PATH)
def test_pages__on_a_namespaces_host__do_not_exist(
    staff: User, ana: User, alpha: Namespace, client_of: Callable[..., Client], path: str
) -> None:
    """Reports over all namespaces are served on the public host alone."""
    assert client_of(ana, alpha).get(path).status_code == 404
    assert client_of(staff, alpha).get(path).status_code == 404


def test_pages__are_kept_by_nobody(desk: Client, four: list[Namespace]) -> None:
    """Neither browsers nor proxies store them."""
    assert "no-store" in desk.get(PAGE)["Cache-Control"]
    assert "no-store" in desk.get(f"{PAGE}csv")["Cache-Control"]


# What


def test_list__names_the_reports(desk: Client) -> None:
    """Each report has its title, description and link."""
    page = desk.get(LIST).content.decode()
    assert f'href="{PAGE}"' in page
    assert "Body mass of the observed animals" in page


def test_page__as_it_opens__shows_the_report(desk: Client, four: list[Namespace]) -> None:
    """Table, plot and downloads are there without asking."""
    page = desk.get(PAGE).content.decode()
    assert "Adelie" in page
    assert f"{PAGE}png?" in page
    assert all(f"{PAGE}{form}?" in page for form in FORMATS)


def test_page__plot_and_downloads__are_what_was_asked_for(desk: Client, four: list[Namespace]) -> None:
    """The links of the page carry the form's values."""
    page = desk.get(PAGE, {"view": "1", "group_by": ["sex", "namespace"], "namespaces": "alpha, beta"})
    link = re.search(rf'href="({re.escape(PAGE)}json\?[^"]*)"', page.content.decode())
    assert link is not None
    document = json.loads(desk.get(link[1].replace("&amp;", "&")).content)
    assert (document["group_by"], document["namespaces"]) == (["sex", "namespace"], ["alpha", "beta"])


def test_page__without_dimensions__shows_one_total(desk: Client, four: list[Namespace]) -> None:
    """All boxes unticked is an answer."""
    page = desk.get(PAGE, {"view": "1", "namespaces": ""}).content.decode()
    assert page.count("<tr>") == 2


def test_page__keeps_what_was_ticked(desk: Client, four: list[Namespace]) -> None:
    """The form shows what the table was made with."""
    page = desk.get(PAGE, {"view": "1", "group_by": "island"}).content.decode()
    assert re.findall(r'value="(\w+)"[^>]*checked', page) == ["island"]


@pytest.mark.parametrize(("form", "content_type"), FORMATS.items())
def test_file__every_format__is_sent(
    desk: Client, four: list[Namespace], form: str, content_type: str
) -> None:
    """The type and the name of the file are right; the plot is shown, the rest saved."""
    answer = desk.get(PAGE + form, {"group_by": ["species", "namespace"]})
    assert (answer.status_code, answer["Content-Type"]) == (200, content_type)
    place = "inline" if form == "png" else "attachment"
    assert answer["Content-Disposition"] == f'{place}; filename="research.body_mass.{form}"'


def test_page__names_from_rows__are_escaped(desk: Client, four: list[Namespace]) -> None:
    """What members type is text on the page."""
    with namespace_scope(four[0]), operation(actor=Actor.system()):
        Specimen.objects.update(species="<script>alert(1)</script>")
    page = desk.get(PAGE).content.decode()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_page__needs_few_queries(desk: Client, four: list[Namespace]) -> None:
    """Their number does not depend on the number of namespaces."""
    desk.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        desk.get(PAGE)
    assert len(queries) <= 20


# Wrong input


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "dimension": ({"group_by": "colour"}, "not one of the available choices"),
    "namespace": ({"namespaces": "nowhere"}, "no namespace"),
    "too many namespaces": ({"namespaces": "x," * 3000}, "at most 4000 characters"),
    "NUL": ({"namespaces": "a\x00b"}, "Null characters"),
}


@pytest.mark.parametrize(("query", "message"), WRONG.values(), ids=WRONG)
def test_page__wrong_input__is_said_at_the_form(
    desk: Client, rows: None, query: dict[str, Any], message: str
) -> None:
    """The page comes with the error, and without a table."""
    answer = desk.get(PAGE, query)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert message in page
    assert 'class="errorlist' in page
    assert "<table" not in page


@pytest.mark.parametrize("form", FORMATS)
def test_file__wrong_input__is_a_text(desk: Client, rows: None, form: str) -> None:
    """A file that cannot be made is no file."""
    answer = desk.get(PAGE + form, {"group_by": "colour"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "path", ["/reports/research.nothing/", "/reports/x/", f"{PAGE}doc", "/reports/research.x/csv"]
)
def test_pages__that_do_not_exist__are_404(desk: Client, path: str) -> None:
    """Unknown reports and formats are not found."""
    assert desk.get(path).status_code == 404


def test_pages__take_no_posts(desk: Client) -> None:
    """A report changes nothing, so there is nothing to post."""
    assert desk.post(PAGE, {"group_by": "species"}).status_code == 405


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(["view", "group_by", "namespaces", "skip_broken", "x"]),
        st.lists(st.text(max_size=8), max_size=3),
    )
)
def test_page__any_query_string__is_never_an_error_of_ours(
    desk: Client, rows: None, query: dict[str, list[str]]
) -> None:
    """Whatever is sent, the answer is a page or a refusal."""
    assert desk.get(PAGE, query).status_code in (200, 400)


# Broken namespaces


def _break(namespace: Namespace) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {connection.ops.quote_name(namespace.schema_name)} CASCADE")


def test_page__broken_namespace__is_named(desk: Client, four: list[Namespace]) -> None:
    """The page says who and why, and shows no totals."""
    _break(four[2])
    answer = desk.get(PAGE)
    page = answer.content.decode()
    assert answer.status_code == 503
    assert "gamma (its schema" in page
    assert "<table" not in page


def test_page__broken_namespace_left_out__is_named_beside_the_table(
    desk: Client, four: list[Namespace]
) -> None:
    """Whoever reads the table sees that somebody is missing; the files do without as well."""
    _break(four[2])
    page = desk.get(PAGE, {"view": "1", "group_by": "namespace", "skip_broken": "on"}).content.decode()
    assert "Not included:" in page
    assert "<table" in page
    assert "skip_broken=on" in page
    sent = desk.get(f"{PAGE}csv", {"group_by": "namespace", "skip_broken": "on"})
    assert io.StringIO(sent.content.decode()).read().count("\n") == 4
