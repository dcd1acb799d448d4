"""The API keeps what its OpenAPI document promises, whatever is sent to it."""

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.core.cache import caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
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

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "5"))
"""Requests for each operation; a run by hand may take many more."""

SHOP = ("/api/v1/items/", "/api/v1/owners/", "/api/v1/reviews/")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    positive_data_acceptance,
    negative_data_rejection,
    ignored_auth,
]
# What is positive data may be refused by the state that it meets, and a DELETE needs no If-Match here.
STATES = ["2xx", "304", "401", "403", "404", "409", "412"]
# Many rows of one request are too many (413), which is no less a refusal than 400.
REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428"]
# What JSON Schema cannot say of a value: by the code of the fault, or by its code and place.
BEYOND_SCHEMA = {
    "does-not-exist": "a row, or another namespace, of this name is there or not",
    "duplicate": "rows of one request differ in their keys",
    "invalid-cursor": "cursors are signed",
    "not-confirmed": "what is typed again is what the address names",
    "namespace-not-found": "so are namespaces",
    "not-found": "rows named in the body are there or not",
    "unique": "another row has the value, in the same request or not",
    "max-digits": "a number has decimals, which JSON Schema counts in binary fractions",
    "max-decimal-places": "the same",
    "past": "the end of a grant is to come",
    ("invalid-parameter", "as_of"): "a time in the past, in UTC within the calendar",
    ("invalid-parameter", "scope"): "own alone beside as_of",
    ("invalid-parameter", "until"): "it is later than another parameter",
    ("invalid-parameter", "max_affected"): "goes with where alone",
    ("invalid-parameter", "on_conflict"): "goes with an array alone",
    ("invalid-parameter", "where"): "needed unless the body is an array, and not empty at any depth",
    "too-deep": "a schema that refers to itself does not count its levels",
    "too-much": "conditions on related rows are counted wherever they stand",
    ("invalid-input", "/resource_id"): "a row is visible or not",
    ("invalid-input", "/transfer_to"): "so is an account",
    ("invalid-input", "/expires_at"): "the end of a key is to come",
    ("invalid-input", "/message"): "printable, as names are",
    ("invalid-filter", "regexp"): "regular expressions, of which hostile ones are refused",
    ("invalid-filter", "nregexp"): "the same",
    ("invalid-filter", "include"): "each relation once, and none in files that are tables",
    ("invalid-input", "/name"): "printable characters: patterns know no classes of Unicode everywhere",
    ("read-only-field", "/kind"): "it stays as it was",
}
# Headers that may hold anything: conditions that cannot be read are left aside, and the token is that of the
# test, whatever is generated.
LEFT_ASIDE = {"If-None-Match", "Authorization"}
URLCONFS = ("config.urls_namespace", "config.urls_public")


@schemathesis.serializer("application/x-ndjson")
def _as_lines(_context: Any, value: Any) -> bytes:
    """A body of lines is sent as it is."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@cache
def schema_of(urlconf: str) -> Any:
    schema = schemathesis.openapi.from_dict(openapi_document(urlconf, "", ""))
    schema.app = get_wsgi_application()
    schema.config.checks.positive_data_acceptance.expected_statuses = STATES
    schema.config.checks.negative_data_rejection.expected_statuses = REFUSALS
    return schema


def faults_in(answer: Any) -> list[dict[str, Any]]:
    """The faults of a problem."""
    problem = answer.json() if "json" in answer.headers["content-type"][0] else {}
    return [*problem.get("errors", [problem])] if isinstance(problem, dict) else []


def is_beyond_schema(fault: dict[str, Any]) -> bool:
    """Tell whether the document cannot say what the fault is about."""
    code = fault.get("code")
    place = next((fault[kind] for kind in ("parameter", "header", "pointer") if kind in fault), "")
    # A filter may stand in a scope of another one, and a row in an array.
    last = place.rpartition("/")[2]
    return not BEYOND_SCHEMA.keys().isdisjoint({code, (code, place), (code, last)})


def is_in_ignored_headers(case: Any) -> bool:
    """Tell whether nothing is wrong with a request but headers that may be left aside."""
    wrong = {place for place, part in case.meta.components.items() if part.mode.is_negative}
    names = {each.parameter for each in getattr(case.meta.phase.data, "mutations", ())}
    return wrong == {ParameterLocation.HEADER} and names - {None} <= LEFT_ASIDE


def is_told_row_by_row(answer: Any) -> bool:
    """Tell whether a lenient request was answered by which of its rows are refused (207)."""
    return answer.status_code == 207 and answer.json().get("failed", 0) > 0


def checks_of(case: Any, answer: Any, *, guarded: bool) -> list[Any]:
    """All checks, less what is excused above, and asking without the token, which once will do."""
    faults = faults_in(answer) if answer.status_code >= 400 else []
    excused = {ignored_auth} if guarded else set()
    if faults and all(is_beyond_schema(fault) for fault in faults):
        excused.add(positive_data_acceptance)
    if is_in_ignored_headers(case) or is_told_row_by_row(answer):
        excused.add(negative_data_rejection)
    return [check for check in CHECKS if check not in excused]


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
    """No failure of the server, and status, headers and body are as the document says.

    Every request is the first attempt to log in: how many there may be is tested elsewhere.
    """
    namespace, person = (alpha, ana) if urlconf == URLCONFS[0] else (None, staff)
    _, secret = Token.issue(person, None if namespace is None else namespace.pk)
    headers = {"Authorization": f"Bearer {secret}"}
    described = schema_of(urlconf).find_operation_by_label(label)
    guarded: list[str] = []

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases_of(described), aimed=strategies.sampled_from([True, True, False]))
    def run(case: Any, aimed: bool) -> None:
        if aimed and case.meta.generation.mode.is_positive:
            aim(case, known)
        base = f"http://{host_of(namespace)}"
        caches["guesses"].clear()
        with transaction.atomic():
            answer = case.call(base_url=base, headers=headers)
            # Some checks ask again, without the token that they are told of here.
            case.validate_response(
                answer,
                checks=checks_of(case, answer, guarded=bool(guarded)),
                headers=headers,
                transport_kwargs={"base_url": base},
            )
            transaction.set_rollback(True)
        if answer.status_code < 300:
            guarded.append(label)

    run()
