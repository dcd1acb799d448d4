"""Every error is answered as problem+json (RFC 9457): what happened, where, and nothing of the inside."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from http import HTTPStatus
from typing import Any

from django.core import exceptions as django_errors
from django.core.signals import got_request_exception
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError
from django.http import Http404, JsonResponse
from rest_framework import exceptions as rest_errors
from rest_framework.response import Response
from uuid_utils.compat import uuid7

from smartmodels.context import current_operation
from smartmodels.exceptions import SmartModelsError
from smartmodels.rest.faults import Fault, InvalidInputHere, faults_of, kebab, pointer_to
from smartmodels.rest.integrity import faults_of_integrity
from smartmodels.tenancy.outages import outage_of

__all__ = [
    "MEDIA_TYPE",
    "Problem",
    "Refused",
    "problem_handler",
    "problem_of",
    "problem_response",
    "request_id",
    "unexpected",
]

MEDIA_TYPE = "application/problem+json"
_FAULTS_SHOWN = 100
_PLACES = ("pointer", "parameter", "header")

logger = logging.getLogger("smartmodels.rest")


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the client sees it; ``details`` is what a program needs to act on it.

    Of the errors the first ``shown`` are told.
    """

    status: int
    code: str
    detail: str
    errors: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    shown: int = _FAULTS_SHOWN

    def as_document(self) -> dict[str, Any]:
        """Return the members of the problem document."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id(),
        }
        if self.errors:
            document.update(self._place())
            document["errors"] = [fault.as_document() for fault in self.errors[: self.shown]]
        if self.details:
            document["details"] = dict(self.details)
        return document

    def _place(self) -> Mapping[str, Any]:
        """Say where the only mistake stands, for those who look at the top; several stand below alone."""
        told = self.errors[0].as_document() if len(self.errors) == 1 else {}
        return {name: told[name] for name in _PLACES if name in told}


class Refused(Exception):
    """Raise to answer with exactly this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def request_id() -> str:
    """Return the id of the request: that of its operation, under which history keeps what it changed."""
    opened = current_operation()
    return str(opened.id if opened is not None else uuid7())


# From exception to problem


def _of_faults(faults: tuple[Fault, ...], code: str = "invalid-input") -> Problem:
    if faults and all(fault.code == "unique" for fault in faults):
        return Problem(409, "unique", faults[0].detail, faults)
    detail = faults[0].detail if len(faults) == 1 else "The request cannot be used as it is: see `errors`."
    return Problem(400, code, detail, faults)


@singledispatch
def problem_of(error: Exception) -> Problem | None:  # noqa: ARG001 - the type decides
    """Return the problem an exception is answered with, or None for one that nobody expects."""
    return None


@problem_of.register
def _(error: Refused) -> Problem:
    return error.problem


@problem_of.register
def _(error: SmartModelsError) -> Problem | None:
    headers = {"Retry-After": str(seconds)} if (seconds := error.details.get("retry_after")) else {}
    if error.status == 503:
        return Problem(error.status, error.code, error.message, headers=headers)
    if error.status >= 500:
        # The message may quote the database; the class says what is good for everybody to know.
        logger.error("request %s: %s", request_id(), error.message, exc_info=error)
        return Problem(error.status, error.code, (type(error).__doc__ or "").strip())
    details = {name: value for name, value in error.details.items() if name not in ("field", "conflicts")}
    return Problem(error.status, error.code, error.message, _named_faults(error), headers, details)


def _named_faults(error: SmartModelsError) -> tuple[Fault, ...]:
    if (name := error.details.get("field")) is not None:
        return (Fault(error.code, error.message, pointer=pointer_to(name)),)
    return tuple(
        Fault(code, message, pointer=pointer_to(name) if name else "")
        for name, code, message in error.details.get("conflicts", ())
    )


@problem_of.register
def _(error: rest_errors.APIException) -> Problem:
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (seconds := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(int(seconds) + 1)
    codes = error.get_codes()
    code = kebab(codes) if isinstance(codes, str) else kebab(error.default_code)
    return Problem(error.status_code, code, str(error.detail), headers=headers)


@problem_of.register
def _(error: rest_errors.ValidationError) -> Problem:
    return _of_faults(tuple(faults_of(error.detail)))


@problem_of.register
def _(error: InvalidInputHere) -> Problem:
    return _of_faults(error.faults, kebab(error.default_code))


@problem_of.register
def _(error: rest_errors.ParseError) -> Problem:
    return Problem(400, "malformed-json", str(error.detail))


@problem_of.register
def _(_error: Http404) -> Problem:
    return Problem(404, "not-found", "Nothing is to be found here.")


@problem_of.register
def _(_error: django_errors.PermissionDenied) -> Problem:
    return Problem(403, "permission-denied", "You may not do this.")


@problem_of.register
def _(error: django_errors.ValidationError) -> Problem:
    named = (
        error.message_dict
        if hasattr(error, "error_dict")
        else {django_errors.NON_FIELD_ERRORS: error.messages}
    )
    faults = (
        Fault("invalid", message, pointer="" if name == django_errors.NON_FIELD_ERRORS else pointer_to(name))
        for name, messages in named.items()
        for message in messages
    )
    return _of_faults(tuple(faults))


@problem_of.register
def _(error: django_errors.SuspiciousOperation) -> Problem:
    if isinstance(error, django_errors.RequestDataTooBig):
        return Problem(413, "too-large", "The body is larger than this server accepts.")
    return Problem(400, "bad-request", "The request is malformed.")


@problem_of.register
def _(error: IntegrityError) -> Problem | None:
    faults = faults_of_integrity(error)
    return None if faults is None else _of_faults(faults)


@problem_of.register(DatabaseError)
@problem_of.register(InterfaceError)
def _(error: Exception) -> Problem | None:
    refused = outage_of(error)
    return None if refused is None else problem_of(refused)


@problem_of.register(DataError)
@problem_of.register(UnicodeEncodeError)
def _(error: Exception) -> Problem:
    logger.warning(
        "request %s: a value reached the database that it cannot hold", request_id(), exc_info=error
    )
    return Problem(400, "invalid-value", "A value is out of range or holds characters that cannot be stored.")


# Answers


def unexpected() -> Problem:
    """Return the problem of an exception that nobody expects: nothing but the request's id."""
    return Problem(500, "internal-error", "This request failed; the log tells why under its id.")


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Answer an exception of a view: Django REST framework's ``EXCEPTION_HANDLER``."""
    problem = problem_of(error)
    if problem is None:
        logger.error("request %s failed unexpectedly", request_id(), exc_info=error)
        got_request_exception.send(sender=type(context["view"]), request=context["request"]._request)
        problem = unexpected()
    return Response(
        problem.as_document(), status=problem.status, headers=dict(problem.headers), content_type=MEDIA_TYPE
    )


def problem_response(problem: Problem) -> JsonResponse:
    """Answer with a problem outside of Django REST framework."""
    document = problem.as_document()
    headers = {**problem.headers, "X-Request-Id": document["request_id"]}
    return JsonResponse(document, status=problem.status, headers=headers, content_type=MEDIA_TYPE)
