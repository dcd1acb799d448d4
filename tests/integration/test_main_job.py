"""The main job over real HTTP: provision by subdomain, work in the namespace, revert, report across all."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection

from smartmodels.tenancy.provisioning import find_namespace
from tests.support.many import database_of_a_module
from tests.support.people import PASSWORD, email_of
from tests.support.processes import manage
from tests.support.serving import serving

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visitor:
    """Somebody with cookies of their own, on one host."""

    def __init__(self, port: int, host: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        # The name resolves to loopback in browsers; here the header says which host is meant.
        self._session.headers["Host"] = f"{host}:{port}"

    def get(self, path: str, **options: Any) -> requests.Response:
        return self._session.get(self._base + path, timeout=60, **options)

    def send(self, method: str, path: str, body: Any = None) -> requests.Response:
        headers = {"X-CSRFToken": self._session.cookies.get("csrftoken") or ""}
        return self._session.request(method, self._base + path, json=body, headers=headers, timeout=60)

    def log_in(self, email: str, password: str) -> requests.Response:
        """Log in by the form of the admin, as a person does."""
        form = self.get("/admin/login/")
        found = CSRF.search(form.text)
        assert found, form.text
        fields = {"csrfmiddlewaretoken": found[1], "username": email, "password": password, "next": "/"}
        return self._session.post(
            self._base + "/admin/login/", data=fields, timeout=60, allow_redirects=False
        )

    def use_token(self, email: str, password: str) -> None:
        """Take a token, as a program does."""
        answer = self.send("POST", "/api/v1/token/", {"email": email, "password": password})
        assert answer.status_code == 201, answer.text
        self._session.headers["Authorization"] = f"Token {answer.json()['token']}"


@pytest.fixture(scope="module")
def port(databases: Any, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[int]:
    """The port of a served platform with the namespaces alpha and beta, one for all tests here."""
    with database_of_a_module(databases, django_db_blocker), pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", databases.url_of(connection.settings_dict["NAME"]))
        with serving(tmp_path_factory.mktemp("served") / "server.log") as number:
            yield number


def provision(port: int, slug: str, owner: str) -> dict[str, Any]:
    """Provision a namespace as staff does; return what the API says of it."""
    staff = Visitor(port, "localhost")
    assert staff.log_in(email_of("staff"), PASSWORD).status_code == 302
    made = staff.send(
        "POST", "/api/v1/namespaces/?wait=true", {"slug": slug, "name": slug.title(), "owner": owner}
    )
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


def test_main_job__provision_work_revert_report(port: int, tmp_path: Path) -> None:
    """From a new subdomain to a report across namespaces, every step by HTTP."""
    account = provision(port, "acme", "olga@example.org")
    assert account["state"] == "active"
    owner = Visitor(port, "acme.localhost")
    owner.use_token("olga@example.org", account["owner"]["initial_password"])

    made = owner.send("POST", "/api/v1/studies/", {"code": "PAL0708", "title": "Adelies"})
    assert made.status_code == 201, made.text
    study = f"/api/v1/studies/{made.json()['id']}/"
    assert owner.send("PATCH", study, {"title": "typo"}).status_code == 200
    versions = owner.get(study + "history/").json()["results"]
    assert [version["action"] for version in versions] == ["update", "create"]

    first = versions[-1]["version"]
    preview = owner.send("POST", study + "revert/", {"version": first, "dry_run": True})
    assert preview.status_code == 200, preview.text
    assert owner.get(study).json()["title"] == "typo"
    assert owner.send("POST", study + "revert/", {"version": first, "reason": "slip"}).status_code == 200
    assert owner.get(study).json()["title"] == "Adelies"

    assert owner.send("DELETE", study).status_code == 204
    assert owner.get(study).status_code == 404
    assert owner.send("POST", study + "restore/", {}).status_code == 200
    actions = [version["action"] for version in owner.get(study + "history/").json()["results"]]
    assert actions == ["restore", "soft_delete", "revert", "update", "create"]

    specimen = {"study": made.json()["id"], "number": 1, "individual": "N1A1", "species": "Adelie"}
    bird = owner.send("POST", "/api/v1/specimens/", specimen).json()["id"]
    owner.send("POST", "/api/v1/observations/", {"specimen": bird, "body_mass_g": 3750})
    report = tmp_path / "mass.csv"
    done = manage("report", "research.body_mass", "--group-by", "species,namespace", "--out", str(report))
    assert done.returncode == 0, done.stderr
    assert report.read_text().splitlines()[1].startswith("Adelie,acme,1,3750")


def test_main_job__report_page__shows_table_and_plot_to_staff(port: int) -> None:
    """The page of a report and its plot are served on the public host."""
    staff = Visitor(port, "localhost")
    staff.log_in(email_of("staff"), PASSWORD)
    page = staff.get("/reports/research.body_mass/")
    assert page.status_code == 200
    plot = re.search(r'<img[^>]+src="([^"]+)"', page.text)
    if plot is not None:  # without rows there is nothing to plot
        assert staff.get(plot[1].replace("&amp;", "&")).headers["Content-Type"] == "image/png"


def test_main_job__token_of_one_namespace__opens_no_other(port: int) -> None:
    """A token is bound to the host it was taken on."""
    visitor = Visitor(port, "alpha.localhost")
    visitor.use_token(email_of("ben"), PASSWORD)
    assert visitor.get("/api/v1/studies/").status_code == 200
    visitor._session.headers["Host"] = f"beta.localhost:{port}"
    assert visitor.get("/api/v1/studies/").status_code == 401


def test_main_job__session_of_one_namespace__opens_no_other(port: int) -> None:
    """A session cookie carried to another host means nothing there."""
    visitor = Visitor(port, "alpha.localhost")
    assert visitor.log_in(email_of("ben"), PASSWORD).status_code == 302
    assert visitor.get("/api/v1/studies/").status_code == 200
    visitor._session.headers["Host"] = f"beta.localhost:{port}"
    assert visitor.get("/api/v1/studies/").status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [("ALPHA.LocalHost.", 200), ("nobody.localhost", 404), ("alpha.localhost.evil.example", 404)],
)
def test_main_job__host__is_folded_and_unknown_ones_are_refused(port: int, host: str, status: int) -> None:
    """A host names one namespace or none."""
    assert Visitor(port, host).get("/admin/login/").status_code == status


def test_main_job__suspended_by_a_command__is_refused_by_the_running_server(port: int) -> None:
    """A change made by another process holds from the next request on."""
    visitor = Visitor(port, "alpha.localhost")
    assert visitor.get("/api/v1/studies/").status_code == 401
    assert visitor.get("/api/v1/studies/").status_code == 401
    assert manage("namespace", "suspend", "alpha").returncode == 0
    assert visitor.get("/api/v1/studies/").status_code == 503
    assert manage("namespace", "resume", "alpha").returncode == 0
    assert visitor.get("/api/v1/studies/").status_code == 401
    assert find_namespace("alpha").state == "active"
