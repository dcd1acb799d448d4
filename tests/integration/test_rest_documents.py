"""The OpenAPI document, the page that shows it, and the front pages."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from drf_spectacular import validation
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from smartmodels.rest.documents import openapi_document

Client = Callable[..., Any]


def names_in(document: dict[str, Any]) -> set[str]:
    """The operations, as METHOD path."""
    return {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}


def assert_valid(document: dict[str, Any]) -> None:
    """Ask what ``validate_schema`` asks, the anchors looked up once: a sixth of the time."""
    schema = json.loads(Path(validation.__file__).with_name("openapi_3_1_schema.json").read_text())
    known: Any = Registry().with_resource(schema["$id"], DRAFT202012.create_resource(schema)).crawl()
    jsonschema.validate(
        document, {"$ref": schema["$id"]}, cls=jsonschema.Draft202012Validator, registry=known
    )


def test_document__wrong__is_not_valid(api_of: Client, staff: Any) -> None:
    """The oracle below finds what is wrong deep in it."""
    document = api_of(staff, None).get("/api/schema/").json()
    document["paths"]["/api/v1/namespaces/"]["get"]["responses"]["200"].pop("description")
    with pytest.raises(jsonschema.ValidationError):
        assert_valid(document)


@pytest.mark.parametrize("urlconf", ["config.urls_namespace", "config.urls_public"])
def test_document__of_each_host__is_valid_without_a_warning(db: None, urlconf: str, tmp_path: Any) -> None:
    """The command that CI could run finds nothing to say, and what it writes is valid."""
    call_command(
        "spectacular", urlconf=urlconf, fail_on_warn=True, format="openapi-json", file=tmp_path / "a"
    )
    assert_valid(json.loads((tmp_path / "a").read_text()))


def test_document__served__is_openapi_3_1(api_of: Client, ana: Any, alpha: Any) -> None:
    """Programs get JSON."""
    answer = api_of(ana, alpha).get("/api/schema/")
    assert answer.json()["openapi"] == "3.1.0"


def test_document__served__is_the_valid_one(api_of: Client, ana: Any, alpha: Any) -> None:
    """What is served is what was checked."""
    assert_valid(api_of(ana, alpha).get("/api/schema/").json())


def test_document__yaml_asked_for__is_yaml(client_of: Client, ana: Any, alpha: Any) -> None:
    """The header Accept decides."""
    answer = client_of(ana, alpha).get("/api/schema/", headers={"accept": "application/vnd.oai.openapi"})
    assert answer.content.startswith(b"openapi: 3.1.0")


def test_document__of_a_namespace__has_every_endpoint_of_a_resource() -> None:
    """What an app registers is described completely."""
    document = openapi_document("config.urls_namespace", "", "")
    of_studies = {name for name in names_in(document) if "/studies/" in name}
    assert of_studies >= {
        "GET /api/v1/studies/",
        "POST /api/v1/studies/",
        "GET /api/v1/studies/{id}/",
        "PUT /api/v1/studies/{id}/",
        "PATCH /api/v1/studies/{id}/",
        "DELETE /api/v1/studies/{id}/",
        "POST /api/v1/studies/{id}/restore/",
        "GET /api/v1/studies/{id}/history/",
        "GET /api/v1/studies/{id}/history/{version}/",
        "POST /api/v1/studies/{id}/revert/",
        "GET /api/v1/studies/{id}/activities/",
    }


@pytest.mark.parametrize(
    "hidden", ["former_owner_id", "owner_before_deletion_id", "deleted_in", "schema_name", "password"]
)
def test_document__of_a_namespace__names_nothing_hidden(hidden: str) -> None:
    """Columns that are not shown are not described."""
    assert hidden not in str(
        openapi_document("config.urls_namespace", "", "")["components"]["schemas"]["Study"]
    )


def test_document__of_a_namespace__is_not_for_others(api_of: Client, bea: Any, alpha: Any) -> None:
    """Members only."""
    assert api_of(bea, alpha).get("/api/schema/").status_code == 401


def test_document__of_the_public_host__is_for_staff(api_of: Client, staff: Any) -> None:
    """It describes namespaces and accounts, and nothing of what is in the namespaces."""
    document = api_of(staff, None).get("/api/schema/").json()
    assert {name.split("/")[3] for name in names_in(document)} == {
        "account",
        "accounts",
        "audit",
        "jobs",
        "migration-runs",
        "namespaces",
        "token",
    }


def test_document__asked_for_again__is_304_without_a_body(api_of: Client, ana: Any, alpha: Any) -> None:
    """Whoever has it names its ETag, which is a strong one."""
    client = client_with_tag(api_of(ana, alpha))
    assert (client.status_code, client.content, client["ETag"][:1]) == (304, b"", '"')


def client_with_tag(client: Any) -> Any:
    """The answer to a request with the ETag of the one before."""
    tag = client.get("/api/schema/")["ETag"]
    return client._client.get("/api/schema/", headers={"if-none-match": tag, "accept": "application/json"})


def test_document__in_another_form__has_another_tag(client_of: Client, ana: Any, alpha: Any) -> None:
    """A strong ETag stands for bytes."""
    client = client_of(ana, alpha)
    kinds = ("application/json", "application/vnd.oai.openapi")
    assert len({client.get("/api/schema/", headers={"accept": kind})["ETag"] for kind in kinds}) == 2


def test_document__if_match_of_another__is_a_problem(client_of: Client, ana: Any, alpha: Any) -> None:
    """412, as a problem document."""
    answer = client_of(ana, alpha).get("/api/schema/", headers={"if-match": '"x"'})
    assert (answer.status_code, answer["Content-Type"]) == (412, "application/problem+json")


@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_docs__page__names_and_loads_from_no_other_host(
    client_of: Client, ana: Any, alpha: Any, page: str
) -> None:
    """Nothing in the HTML, and the browser is told to load nothing from elsewhere."""
    answer = client_of(ana, alpha).get(f"/api/{page}/")
    text, policy = answer.content.decode(), answer["Content-Security-Policy"]
    assert (re.findall(r"""https?://|["'(]//""", text), "http" in policy) == ([], False)
    assert policy.startswith("default-src 'none'")


def test_redoc__its_script__is_served_here(client_of: Client, ana: Any, alpha: Any) -> None:
    """The bundle is a static file of ours."""
    path = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"
    client = client_of(ana, alpha)
    answer = client.get(path)
    assert (path in client.get("/api/redoc/").content.decode(), answer.status_code) == (True, 200)
    answer.close()


def test_docs__member__shows_a_page_without_foreign_hosts(client_of: Client, ana: Any, alpha: Any) -> None:
    """Scripts and styles come from here."""
    page = client_of(ana, alpha).get("/api/docs/").content.decode()
    assert ("swagger-ui-bundle" in page, "https://" in page) == (True, False)


def test_docs__its_script__is_served_here(client_of: Client, ana: Any, alpha: Any) -> None:
    """The bundle is a static file of ours."""
    path = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    answer = client_of(ana, alpha).get(path)
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, "text/javascript")
    answer.close()


def test_docs__nobody__is_sent_to_log_in(client_of: Client, alpha: Any) -> None:
    """People come back here afterwards."""
    assert client_of(None, alpha).get("/api/docs/")["Location"] == "/admin/login/?next=/api/docs/"


def test_docs__not_staff_on_the_public_host__is_forbidden(client_of: Client, ana: Any) -> None:
    """Members of namespaces have no business here."""
    assert client_of(ana, None).get("/api/docs/").status_code == 403


def test_root__member__lists_the_resources(api_of: Client, ana: Any, alpha: Any) -> None:
    """The API can be found from its root."""
    assert api_of(ana, alpha).get("/api/v1/").json()["studies"] == "http://alpha.localhost/api/v1/studies/"


def test_home__of_a_namespace__says_its_name(client_of: Client, alpha: Any) -> None:
    """Anybody who comes to the host sees whose it is."""
    assert "<h1>Alpha</h1>" in client_of(None, alpha).get("/").content.decode()


def test_home__of_a_namespace__says_who_is_logged_in(client_of: Client, ana: Any, alpha: Any) -> None:
    """And as what."""
    assert f"{ana.email} (owner)" in client_of(ana, alpha).get("/").content.decode()


def test_home__name_with_markup__is_escaped(client_of: Client, alpha: Any) -> None:
    """A name is text."""
    alpha.name = "<script>alert(1)</script>"
    alpha.save()
    assert "<script>" not in client_of(None, alpha).get("/").content.decode()


def test_home__of_the_public_host__names_no_namespace(client_of: Client, alpha: Any) -> None:
    """Who is a customer is nobody's business."""
    assert "alpha" not in client_of(None, None).get("/").content.decode().lower()


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_home__written_to__is_refused(client_of: Client, alpha: Any, method: str) -> None:
    """A front page is read."""
    assert getattr(client_of(None, alpha), method)("/").status_code == 405
