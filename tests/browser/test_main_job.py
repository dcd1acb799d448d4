"""The main job as people do it, in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from smartmodels.context import Actor, namespace_scope, operation
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.people import PASSWORD, email_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Arrive = Callable[[], Page]


def log_in(page: Page, address: str, email: str, password: str) -> None:
    """Open an address and fill in the form that is shown instead."""
    page.goto(address)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def jar(page: Page) -> Any:
    """The visitor's cookies; the domain of one that goes to subdomains, too, begins with a dot."""
    return page.context.cookies()


def provision(page: Page, slug: str, name: str, owner: str) -> tuple[str, str]:
    """Make a namespace from the staff site's start page; return its address and the owner's password."""
    page.get_by_role("main").get_by_role("link", name="Namespaces", exact=True).last.click()
    page.get_by_role("link", name="New namespace").click()
    page.get_by_label("Slug").fill(slug)
    page.get_by_label("Name:", exact=True).fill(name)
    page.get_by_label("Owner's e-mail address").fill(owner)
    page.get_by_role("button", name="Provision").click()
    return page.locator("#namespace-address").inner_text(), page.locator("#initial-password").inner_text()


def add_study(page: Page, code: str, title: str) -> None:
    """Add a study from the namespace's start page."""
    page.locator(".model-study .addlink").click()
    page.get_by_label("Code").fill(code)
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_contain_text("was added successfully")


def retitle(page: Page, code: str, title: str) -> None:
    """Change the title of a study from the list."""
    page.get_by_role("link", name=code, exact=True).first.click()
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".messagelist .success")).to_contain_text("was changed successfully")


def revert_to_first(page: Page, reason: str) -> None:
    """Go from a row's form over its history to its first version, and back to that."""
    page.get_by_role("link", name="History").click()
    page.get_by_role("link", name="1", exact=True).click()
    page.get_by_role("link", name="Preview a revert to this version").click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Yes, revert").click()


def test_main_job__from_provisioning_to_revert__works_in_a_browser(person: Arrive, port: int) -> None:
    """Staff provisions a namespace; its owner logs in there, adds, edits, looks back, reverts, logs out."""
    staff = person()
    log_in(staff, f"http://localhost:{port}/admin/", email_of("staff"), PASSWORD)
    address, password = provision(staff, "acme", "Acme Penguins", "cleo@example.org")
    assert address == f"http://acme.localhost:{port}/admin/"

    cleo = person()
    log_in(cleo, address, "cleo@example.org", password)
    expect(cleo.locator("#site-name")).to_have_text("Acme Penguins")
    assert {cookie["domain"] for cookie in jar(cleo)} == {"acme.localhost"}, "cookies are for this host only"
    add_study(cleo, "PAL0708", "Adelie on Torgersen")
    retitle(cleo, "PAL0708", "Adelie on Biscoe")
    revert_to_first(cleo, "wrong island")

    newest = cleo.locator("#change-history tbody tr").first
    expect(newest).to_contain_text("Reverted")
    expect(newest).to_contain_text("cleo@example.org")
    expect(newest).to_contain_text("wrong island")
    cleo.get_by_role("link", name="PAL0708").click()
    expect(cleo.get_by_label("Title")).to_have_value("Adelie on Torgersen")

    cleo.get_by_role("button", name="Log out").click()
    cleo.goto(address)
    expect(cleo.get_by_label("Password")).to_be_visible()


@pytest.fixture
def measured(committing: Any, alpha: Any, beta: Any, ana: Any) -> None:
    """Two observations in each of two namespaces."""
    for namespace in (alpha, beta):
        with namespace_scope(namespace), operation(actor=Actor.user(ana)):
            study = Study.objects.create(code="PAL0708")
            animal = Specimen.objects.create(study=study, number=1, individual="N1A1", species="Adelie")
            for grams in (3700, 3800):
                Observation.objects.create(specimen=animal, body_mass_g=grams)


def test_report__page_on_the_public_host__shows_the_plot(measured: None, person: Arrive, port: int) -> None:
    """Staff sees a plot over all namespaces."""
    staff = person()
    log_in(staff, f"http://localhost:{port}/admin/", email_of("staff"), PASSWORD)
    staff.goto(f"http://localhost:{port}/reports/research.body_mass/")
    plot = staff.locator("figure img")
    expect(plot).to_be_visible()
    assert plot.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
