"""Answers that the client has already, and writes that hold only for what it has seen (RFC 9110, 13).

A tag says which namespace and which person an answer is for, besides what is in it: none is good for
anybody else.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, TypeVar

from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import quote_etag
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from smartmodels.conf import settings
from smartmodels.context import require_namespace
from smartmodels.exceptions import SmartModelsError
from smartmodels.rest.faults import InvalidHeader

__all__ = [
    "PreconditionFailed",
    "PreconditionRequired",
    "answer_row",
    "check_row",
    "check_row_if_asked",
    "check_rows",
    "is_known",
    "keep_private",
    "tag_of",
]

R = TypeVar("R", bound=HttpResponseBase)

_TAG = re.compile(r'\s*(?:,\s*)*(?P<tag>(?:W/)?"[\x21\x23-\x7e\x80-\xff]*")\s*(?=,|$)')
_PART = re.compile(r'\.[0-9a-f]{40}"\Z')
"""What of a row was shown, at the end of its tag."""

_VARY = ("Accept", "Authorization", "Cookie", "Prefer")


class PreconditionFailed(SmartModelsError):
    """The row is not as it was when its ETag was given: read it again, and decide again."""

    code = "precondition-failed"
    status = 412


class PreconditionRequired(SmartModelsError):
    """Writes need ``If-Match`` here: send the ETag with which the row was read."""

    code = "precondition-required"
    status = 428


def tag_of(request: Any, content: bytes) -> str:
    """Return the tag of what is answered, without its quotes: for the namespace that was asked.

    A row that is shared is written at its home, and read again where it was asked for.
    """
    asked = getattr(request._request, "namespace", None) or require_namespace()
    namespace = asked.pk
    form = request.accepted_renderer.media_type
    digest = hashlib.sha256(f"{namespace}\n{request.user.pk}\n{form}\n".encode())
    digest.update(content)
    return digest.hexdigest()[:40]


def keep_private(response: R, tag: str | None = None) -> R:
    """Return the response, with its tag: a cache keeps it for whoever asked, and asks if it holds."""
    if tag is not None:
        response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, _VARY)
    return response


def is_known(request: Any, tag: str) -> bool:
    """Tell whether ``If-None-Match`` says that the client has the answer of this tag."""
    given = request.headers.get("If-None-Match")
    if given is None:
        return False
    return given.strip() == "*" or _weak(tag) in map(_weak, _TAG.findall(given))


def _weak(tag: str) -> str:
    return tag.removeprefix("W/")


def answer_row(view: Any, row: Any, data: Any, shown: Any = None) -> Response:
    """Answer with a row and its strong tag, or with 304 to a reader who has it already.

    ``data`` is all that is shown of the row, ``shown`` what is answered where that is a part of it, or more
    than it; the tag then also says which part was shown, and holds for a write all the same.
    """
    tag = _tag_of_row(view.request, row, data)
    if shown is not None and shown != data:
        tag = f'{tag[:-1]}.{tag_of(view.request, _as_bytes(shown))}"'
        data = shown
    reads = view.request.method in SAFE_METHODS
    response = Response(status=304) if reads and is_known(view.request, tag) else Response(data)
    return keep_private(response, tag)


def _tag_of_row(request: Any, row: Any, data: Any) -> str:
    """Return the strong tag of a row: it changes with all that is shown of it, and with every write."""
    state = f"{row._meta.label}\n{row.pk}\n{row.updated_at.isoformat()}\n{row.deleted_at}\n"
    return quote_etag(tag_of(request, state.encode() + _as_bytes(data)))


def _as_bytes(data: Any) -> bytes:
    # Sorted, since PostgreSQL keeps the members of JSON values in an order of its own.
    return json.dumps(data, cls=JSONEncoder, sort_keys=True).encode()


def check_row(view: Any, row: Any) -> None:
    """Refuse to write a row that is not as the client knows it.

    Raises PreconditionFailed where ``If-Match`` or ``If-None-Match`` does not hold, PreconditionRequired
    where ``If-Match`` is missing and needed, InvalidHeader for what is no list of tags.
    """
    request = view.request
    given, refused = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if given is None and (view.requires_if_match or settings().REQUIRE_IF_MATCH):
        raise PreconditionRequired(
            "Writes need If-Match here: read the row, and send its ETag along with the change."
        )
    if given is None and refused is None:
        return
    tag = _tag_of_row(request, row, view.get_serializer(row).data)
    matched = given is None or given.strip() == "*" or tag in _tags(given)
    if not matched or is_known(request, tag):
        raise PreconditionFailed("The row has changed since you read it: read it again, and decide again.")


def check_rows(view: Any) -> None:
    """Refuse to write many rows on conditions, which are about one.

    Raises InvalidHeader for ``If-Match``, and PreconditionRequired where it is needed to change rows.
    """
    if "If-Match" in view.request.headers:
        raise InvalidHeader("If-Match", "This is about one row: write it at its own address.")
    changes = view.request.method != "POST" or "on_conflict" in view.request.query_params
    if changes and (view.requires_if_match or settings().REQUIRE_IF_MATCH):
        raise PreconditionRequired(
            "Writes need If-Match here, which is about one row: write it at its own address."
        )


def check_row_if_asked(view: Any, row: Any) -> None:
    """Refuse as :func:`check_row` does, where ``If-Match`` is given."""
    if "If-Match" in view.request.headers:
        check_row(view, row)


def _tags(given: str) -> list[str]:
    tags = [_PART.sub('"', tag) for tag in _TAG.findall(given)]
    if not tags or _TAG.sub("", given).strip(", \t"):
        raise InvalidHeader("If-Match", 'Say "*" or entity tags in quotes, as they were given.')
    return tags
