"""The API keeps what its OpenAPI document promises, whatever is sent to it."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from shared_apps.accounts.models import Token
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import timeline
from smartmodels.rest.documents import openapi_document
from tenant_apps.activities.services import record
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.clients import host_of

EXAMPLES = 6
SHOP = ("/api/v1/items/", "/api/v1/owners/", "/api/v1/reviews/")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
URLCONFS = ("config.urls_namespace", "config.urls_public")


@schemathesis.serializer("application/x-ndjson")
def _as_lines(_context: Any, value: Any) -> bytes:
    """A body of lines is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@cache
def schema_of(urlconf: str) -> Any:
    schema = schemathesis.openapi.from_dict(openapi_document(urlconf, "", ""))
    schema.app = get_wsgi_application()
    return schema


def labels(urlconf: str) -> list[Any]:
    found = [each.ok().label for each in schema_of(urlconf).get_all_operations()]
    return [pytest.param(urlconf, label, id=label) for label in found if is_asked(label)]


def is_asked(label: str) -> bool:
    """Of the tests' shop only what its filters are sent to: the rest is like that of other resources."""
    return not label.partition(" ")[2].startswith(SHOP) or label.endswith(("s/", "/find/", "/count/"))


def cases_of(described: Any) -> Any:
    """What the document allows and, where it forbids something, what it forbids."""
    kinds = [GenerationMode.POSITIVE]
    if described.body or described.query:
        kinds.append(GenerationMode.NEGATIVE)
    return strategies.one_of([described.as_strategy(generation_mode=kind) for kind in kinds])


@pytest.fixture(autouse=True)
def _kept_connection() -> Iterator[None]:
    """Requests do not close the connection, whose transaction is the test's: as in Django's test client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def known(alpha: Any, ana: Any) -> dict[str, Any]:
    """A row of every kind in alpha, by the name of its list."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        study = Study.objects.create(code="A", island="Dream")
        specimen = Specimen.objects.create(study=study, number=1, individual="N1", species="Adelie")
        observation = Observation.objects.create(specimen=specimen)
        activity = record(model=Study, resource_id=study.pk, kind="comment", text="Good").activity
    return {"studies": study, "specimens": specimen, "observations": observation, "activities": activity}


def version_of(row: Any) -> int:
    """The number of the row's newest version."""
    with namespace_scope(Namespace.objects.get(slug="alpha")):
        return int(timeline(type(row), row.pk).values_list("history_id", flat=True)[0])


def aim(case: Any, known: dict[str, Any]) -> None:
    """Let the case hit a row that there is."""
    row = known.get(case.path.split("/")[3])
    number = 1 if row is None else version_of(row)
    if row is not None and "id" in case.path_parameters:
        case.path_parameters["id"] = str(row.pk)
    if "version" in case.path_parameters:
        case.path_parameters["version"] = str(number)
    if "slug" in case.path_parameters:
        case.path_parameters["slug"] = "alpha"
    body = case.body if isinstance(case.body, dict) else {}
    wanted = {
        "study": str(known["studies"].pk),
        "specimen": str(known["specimens"].pk),
        "resource_id": str(known["studies"].pk),
        "resource_type": "research.study",
        "version": number,
    }
    body.update({name: wanted[name] for name in wanted if name in body})


@pytest.mark.parametrize(("urlconf", "label"), [each for urlconf in URLCONFS for each in labels(urlconf)])
def test_operation__anything_sent__answers_as_described(
    alpha: Any,
    ana: Any,
    staff: Any,
    known: dict[str, Any],
    urlconf: str,
    label: str,
) -> None:
    """No failure of the server, and status, headers and body are as the document says."""
    namespace, person = (alpha, ana) if urlconf == URLCONFS[0] else (None, staff)
    _, secret = Token.issue(person, None if namespace is None else namespace.pk)
    headers = {"Authorization": f"Bearer {secret}"}
    described = schema_of(urlconf).find_operation_by_label(label)
    guarded: list[str] = []

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases_of(described), aimed=strategies.sampled_from([True, True, False]))
    def run(case: Any, aimed: bool) -> None:
        if aimed:
            aim(case, known)
        base = f"http://{host_of(namespace)}"
        with transaction.atomic():
            answer = case.call(base_url=base, headers=headers)
            # Told of the token, the check knows that it was no guess, and asks again without it and with
            # a wrong one: once is enough for an operation.
            checks = CHECKS if guarded else [*CHECKS, ignored_auth]
            case.validate_response(
                answer, checks=checks, headers=headers, transport_kwargs={"base_url": base}
            )
            transaction.set_rollback(True)
        if answer.status_code < 300:
            guarded.append(label)

    run()
