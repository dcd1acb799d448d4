"""From exception to problem document."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.http import Http404
from rest_framework import exceptions as rest_errors

from smartmodels.exceptions import (
    InvalidInput,
    NamespaceFailed,
    NamespaceNotActive,
    ProtectedRows,
    RevertConflict,
    SmartModelsError,
)
from smartmodels.rest.problems import Problem, problem_of


def known(error: Exception) -> Problem:
    problem = problem_of(error)
    assert problem is not None
    return problem


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404("secret"), 404, "not-found"),
        (PermissionDenied("secret"), 403, "permission-denied"),
        (SuspiciousOperation("secret"), 400, "bad-request"),
        (RequestDataTooBig("secret"), 413, "too-large"),
        (ValidationError("No."), 400, "invalid-input"),
        (rest_errors.ParseError("No."), 400, "malformed-json"),
        (rest_errors.NotAuthenticated(), 401, "not-authenticated"),
        (rest_errors.MethodNotAllowed("PUT"), 405, "method-not-allowed"),
        (rest_errors.NotAcceptable(), 406, "not-acceptable"),
        (rest_errors.UnsupportedMediaType("text/plain"), 415, "unsupported-media-type"),
        (rest_errors.Throttled(wait=1.5), 429, "throttled"),
        (InvalidInput("No.", field="name"), 400, "invalid-input"),
        (ProtectedRows("No."), 409, "protected"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "secret"), 400, "invalid-value"),
    ],
)
def test_problem__of_an_expected_error__has_its_status_and_code(
    error: Exception, status: int, code: str
) -> None:
    """Each kind of error keeps its status, and its code is for programs."""
    problem = known(error)
    assert (problem.status, problem.code) == (status, code)


def every_error() -> list[type[SmartModelsError]]:
    found, frontier = [], [SmartModelsError]
    while frontier:
        kind = frontier.pop()
        found.append(kind)
        frontier += kind.__subclasses__()
    return sorted(set(found), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", every_error())
def test_problem__of_every_library_error__has_its_status_and_code(kind: Any) -> None:
    """An error owns how it is answered."""
    error = kind.__new__(kind)
    SmartModelsError.__init__(error, "No.")
    problem = known(error)
    assert (problem.status, problem.code) == (kind.status, kind.code)


def test_problem__of_an_unexpected_error__is_none() -> None:
    """What nobody expects is not explained."""
    assert problem_of(RuntimeError("secret")) is None


@pytest.mark.parametrize("secret", ["secret", "/var/lib", "SELECT"])
def test_problem__of_a_failure__does_not_quote_it(secret: str) -> None:
    """A failure of the server says what its class says."""
    assert secret not in str(known(NamespaceFailed(f"{secret}: no", slug=secret)).as_document())


def test_problem__retry_later__says_when() -> None:
    """Retry-After comes with it."""
    assert known(NamespaceNotActive("Soon.", retry_after=5)).headers == {"Retry-After": "5"}


def test_problem__of_a_named_field__points_at_it() -> None:
    """The field that an error names is where the fault is."""
    assert known(InvalidInput("No.", field="name")).errors[0].pointer == "/name"


def test_problem__of_conflicts__lists_them() -> None:
    """Each conflict is a fault, at its field or at the whole."""
    problem = known(
        RevertConflict("No.", conflicts=[("code", "invalid", "Taken."), (None, "deletion", "Gone.")])
    )
    assert [(fault.pointer, fault.code) for fault in problem.errors] == [
        ("/code", "invalid"),
        ("", "deletion"),
    ]


def test_problem__only_uniqueness_hurt__is_a_conflict() -> None:
    """409 says that the same request may pass another time."""
    detail = {"code": [rest_errors.ErrorDetail("Taken.", code="unique")]}
    assert known(rest_errors.ValidationError(detail)).status == 409


def test_problem__uniqueness_and_more__is_malformed() -> None:
    """400 as soon as anything else is wrong, too."""
    detail = {
        "code": [rest_errors.ErrorDetail("Taken.", code="unique")],
        "title": [rest_errors.ErrorDetail("Long.", code="max_length")],
    }
    assert known(rest_errors.ValidationError(detail)).status == 400


def test_problem__of_the_model_itself__points_at_fields() -> None:
    """Django's own validation errors are understood."""
    problem = known(ValidationError({"code": ["Too odd."], "__all__": ["Contradiction."]}))
    assert [fault.pointer for fault in problem.errors] == ["/code", ""]
