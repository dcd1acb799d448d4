"""How endpoints describe themselves in the OpenAPI document."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from smartmodels.rest.fields import ShapedField
from smartmodels.rest.problems import MEDIA_TYPE
from smartmodels.rest.serializing import StrictSerializer
from smartmodels.rest.shapes import described

__all__ = ["ApiSchema"]

_UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


class FaultSerializer(serializers.Serializer[Any]):
    """One mistake in the request; pointer (RFC 6901), parameter or header says where it stands."""

    code = serializers.CharField()
    detail = serializers.CharField()
    pointer = serializers.CharField(required=False)
    parameter = serializers.CharField(required=False)
    header = serializers.CharField(required=False)
    index = serializers.IntegerField(required=False, help_text="The row of an array that it is about.")
    known = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="The names there are, where one is unknown."
    )


class ProblemSerializer(serializers.Serializer[Any]):
    """Why a request was refused (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(help_text="What happened and what to do next, for people.")
    request_id = serializers.CharField(help_text="Names the request in the log and in history.")
    pointer = serializers.CharField(required=False, help_text="Where the only mistake stands in the body.")
    parameter = serializers.CharField(required=False, help_text="The parameter of the only mistake.")
    header = serializers.CharField(required=False, help_text="The header of the only mistake.")
    errors = FaultSerializer(many=True, required=False)  # type: ignore[assignment]
    details = serializers.DictField(required=False, help_text="What a program needs to act on it.")


_STATUSES = {
    "400": "The request is malformed or refused; `errors` says where.",
    "401": "Nobody, or somebody who is no member here, is asking.",
    "403": "You may not do this.",
    "404": "There is no such row here.",
    "406": "The answer cannot be given in the form that is asked for.",
    "409": "The present state does not allow this.",
    "410": "What was read to is gone: begin anew.",
    "412": "The row has changed since the state that `If-Match` names.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The idempotency key came with another request before, or a shared row would point at rows that "
    "are not at its home.",
    "428": "Writes need `If-Match` here.",
    "429": "Too many requests or attempts: wait as long as `Retry-After` says.",
    "503": "Not now: wait as long as `Retry-After` says.",
}


_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    type={"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
    location=OpenApiParameter.HEADER,
    description="Sent again with the same key, the request is not done again but answered the same.",
)


class ApiSchema(AutoSchema):
    """drf-spectacular's description with our problems, strict bodies and reasons."""

    def get_summary(self) -> str | None:
        """Take the first line of the description, which is one sentence."""
        return self.get_description().partition("\n")[0].rstrip(".") or None

    def get_operation_id(self) -> str:
        """Tell the write of many rows from that of one, which has the same method."""
        if not getattr(self.view, "names_rows", False):
            return str(super().get_operation_id())
        view: Any = self.view
        return f"{self._tokenize_path()[0]}_{view.action}".replace("-", "_")

    def is_deprecated(self) -> bool:
        """Tell whether the endpoint will go away."""
        return getattr(self.view, "deprecated", None) is not None

    def get_override_parameters(self) -> Any:
        """Add ``X-Reason`` to the writes whose history keeps one."""
        if self.method not in _UNSAFE or not getattr(self.view, "keeps_reason", False):
            return []
        keyed = [_IDEMPOTENCY_KEY] if getattr(self.view, "keeps_answers", False) else []
        return [
            *keyed,
            OpenApiParameter(
                "X-Reason",
                type={"type": "string", "maxLength": 500, "pattern": r"^[\t\x20-\x7e]*$"},
                location=OpenApiParameter.HEADER,
                description="Why: kept in history.",
            ),
        ]

    def _get_parameters(self) -> Any:
        """Add the parameters that a view describes as the document has them."""
        raw: list[Any] = getattr(self.view, "raw_parameters", list)()
        return sorted([*super()._get_parameters(), *raw], key=lambda each: str(each["name"]))

    def _get_request_body(self, direction: Any = "request") -> Any:
        """Describe the body of a DELETE, where there is one, and what a view describes itself."""
        described = getattr(self.view, "describe_body", None)
        schema = None if described is None else described(self)
        if schema is not None:
            required = self.method != "DELETE" and not getattr(self.view, "only_reads", False)
            return {"content": {"application/json": {"schema": schema}}, "required": required}
        body = getattr(self.view, "delete_body", None) if self.method == "DELETE" else None
        if body is None:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        component = self.resolve_serializer(body, direction)
        return {"content": {"application/json": {"schema": component.ref}}, "required": True}

    def get_response_serializers(self) -> Any:
        """Describe rows of which the caller chooses the fields."""
        described = self.view.answer_schema() if hasattr(self.view, "answer_schema") else None
        return super().get_response_serializers() if described is None else {"200": described}

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        """Say what a text looks like, and that a list may not be empty."""
        if hasattr(field, "describe"):
            return field.describe(self)
        schema: Any = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if isinstance(field, ShapedField):
            schema["pattern"] = field.shape
        if isinstance(field, serializers.ListField) and not field.allow_empty:
            schema.setdefault("minItems", 1)
        return described(field, schema) if direction == "request" else schema

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        """Say that unknown fields are refused."""
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        strict = serializer if isinstance(serializer, type) else type(serializer)
        if direction == "request" and issubclass(strict, StrictSerializer):
            schema["additionalProperties"] = False
            schema.update(strict.together)
        return schema

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        """Add the problems that this endpoint may answer with."""
        bodies = super()._get_response_bodies(direction)
        described = getattr(self.view, "describe_answers", None)
        for status, schema in ({} if described is None else described(self)).items():
            content = {} if schema is None else {"content": {"application/json": {"schema": schema}}}
            bodies[status] = {**content, "description": HTTPStatus(int(status)).phrase}
        describe: Any = self._get_response_for_code
        for status in self._problem_statuses():
            body = describe(ProblemSerializer, status, [MEDIA_TYPE], direction)
            bodies.setdefault(status, {**body, "description": _STATUSES[status]})
        return dict(sorted(bodies.items()))

    def _reads_one(self) -> bool:
        """Tell whether the endpoint answers with one row that has to be found, though it has no key."""
        return getattr(self.view, "action", None) == "find_one"

    def _problem_statuses(self) -> list[str]:
        statuses = ["400", "401", "403", "406"]
        if "{" in self.path or getattr(self.view, "names_rows", False) or self._reads_one():
            statuses.append("404")
        if self.method in _UNSAFE:
            statuses.append("409")
        if self.method in _UNSAFE and getattr(self.view, "keeps_answers", False):
            statuses.append("422")
        if self.method in _UNSAFE and self._get_request_body():
            statuses += ["413", "415"]
        return [*statuses, "429", *getattr(self.view, "further_statuses", ())]
