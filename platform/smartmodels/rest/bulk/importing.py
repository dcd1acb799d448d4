"""Import of a file of rows: chunk by chunk, each committed with the record that it is, so that it can go on.

What was committed is skipped when the same import is sent again, whatever ended it the first time.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.db import connection, transaction
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from smartmodels.rest.bulk.describing import describe_import, describe_report
from smartmodels.rest.bulk.errors import RequestUnderWay
from smartmodels.rest.bulk.idempotency import account_of
from smartmodels.rest.bulk.items import Item, faulty
from smartmodels.rest.bulk.lines import Chunk, NDJSONParser, chunks_of
from smartmodels.rest.bulk.preferences import Preferences, preferences_of
from smartmodels.rest.faults import InvalidHeader, InvalidInputHere, InvalidParameter
from smartmodels.rest.problems import Problem, Refused, problem_of
from smartmodels.tenancy.remembering import import_chunk_model, of_namespace

__all__ = ["ImportMixin"]

_FAULTS_KEPT = 1_000
"""The most mistakes that the report of one import tells; how many rows failed is always told."""


class ImportMixin:
    """``POST import/`` with NDJSON, and ``GET import/?import=<id>``: how far it came.

    A chunk with a row that is refused stops the import, unless ``Prefer: handling=lenient`` is given; the
    report says what became of every chunk.
    """

    @classmethod
    def get_extra_actions(cls) -> Any:
        """Leave import out where a viewset has its own way to make a row."""
        found = super().get_extra_actions()  # type: ignore[misc]
        makes: Any = cls
        return found if makes.makes_many() else [each for each in found if each.__name__ != "bulk_import"]

    @describe_import
    @action(
        detail=False, methods=["post"], url_path="import", parser_classes=(NDJSONParser,), keeps_answers=False
    )
    def bulk_import(self: Any, request: Any) -> Response:
        """Make a row of every line; up to 1,000 lines are committed at a time.

        Sent again with the same `import`, what was committed is skipped.
        """
        if "Idempotency-Key" in request.headers:
            raise InvalidHeader("Idempotency-Key", "An import is gone on with by its `import` id.")
        preferences = preferences_of(request, "handling")
        known = self._import_place(request)
        done = {chunk.number: chunk for chunk in import_chunk_model().objects.filter(**known)}
        reports: list[dict[str, Any]] = []
        room = _FAULTS_KEPT
        for chunk in chunks_of(request.data):
            reports.append(self._import(chunk, known, done.get(chunk.number), preferences, room))
            room -= len(reports[-1]["errors"])
            if reports[-1]["state"] == "refused":
                break
        report = _report(known["import_id"], reports)
        status = 200 if report["state"] == "complete" and not report["failed"] else 207
        return Response(report, status=status, headers=preferences.applied)

    @describe_report
    @bulk_import.mapping.get
    def bulk_import_report(self: Any, request: Any) -> Response:
        """Tell how far an import came: what is committed of it."""
        if "import" not in request.query_params:
            raise InvalidParameter("import", "Say which one: ?import=<id>.")
        known = self._import_place(request)
        chunks = import_chunk_model().objects.filter(**known).order_by("number")
        return Response(_report(known["import_id"], [_told(each) for each in chunks], state="committed"))

    def _import_place(self: Any, request: Any) -> dict[str, Any]:
        given = request.query_params.get("import")
        try:
            import_id = uuid.uuid4() if given is None else uuid.UUID(given)
        except ValueError as error:
            raise InvalidParameter("import", "A UUID is needed, chosen by you or answered before.") from error
        return {
            **of_namespace(account_of(request)),
            "path": self.model._meta.label_lower,
            "import_id": import_id,
        }

    def _import(
        self: Any, chunk: Chunk, known: dict[str, Any], done: Any, preferences: Preferences, room: int
    ) -> dict[str, Any]:
        """Write a chunk, or skip it if it is committed; return what became of it.

        Of what is wrong at most ``room`` mistakes are told.
        """
        if done is not None:
            if done.digest != chunk.digest:
                message = f"Chunk {chunk.number} was committed with other lines: take a new import id."
                raise Refused(Problem(422, "import-differs", message, details={"chunk": chunk.number}))
            return {**_told(done), "state": "skipped"}
        items = _items_of(chunk)
        with self.writing():
            _be_alone(known)
            self.write_rows(self.get_serializer(), items, lenient=True)
            refused = faulty(items)
            report = _outcome(chunk, items, refused, max(0, room))
            if refused and not preferences.is_lenient:
                transaction.set_rollback(True)
                return {**report, "state": "refused", "created": 0}
            said = {"number": chunk.number, "lines": len(chunk.lines), "digest": chunk.digest}
            import_chunk_model().objects.create(**known, **said, report=report)
        return report


def _be_alone(known: dict[str, Any]) -> None:
    """Let one request at a time go on with an import; raise RequestUnderWay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"import {known['namespace_id']} {known['import_id']}"],
        )
        (is_alone,) = cursor.fetchone()
    if not is_alone:
        raise RequestUnderWay("Another request is going on with this import: ask for its report.")


def _items_of(chunk: Chunk) -> list[Item]:
    """Return an item per line that says something; its place is the number of the line."""
    items = []
    for number, line in enumerate(chunk.lines, chunk.first):
        if line:
            items.append(_item(number, line, chunk))
    return items


def _item(number: int, line: bytes, chunk: Chunk) -> Item:
    item = Item((number,))
    try:
        item.data = chunk.row(line)
    except (APIException, InvalidInputHere) as error:
        problem = problem_of(error)
        item.refuse_as(problem or Problem(400, "malformed-json", "This is not JSON."))
    return item


def _outcome(chunk: Chunk, items: Sequence[Item], refused: Sequence[Item], room: int) -> dict[str, Any]:
    faults = ((item, fault) for item in refused for fault in item.faults)
    errors = [{"line": item.index, **fault.as_document()} for item, fault in islice(faults, room)]
    for each in errors:
        del each["index"]
    return {
        "chunk": chunk.number,
        "first_line": chunk.first,
        "lines": len(chunk.lines),
        "state": "committed",
        "created": len(items) - len(refused),
        "failed": len(refused),
        "errors": errors,
    }


def _told(chunk: Any) -> dict[str, Any]:
    return {**chunk.report, "state": "committed"}


def _report(import_id: Any, chunks: Sequence[dict[str, Any]], *, state: str = "complete") -> dict[str, Any]:
    stopped = any(chunk["state"] == "refused" for chunk in chunks)
    return {
        "import": str(import_id),
        "state": "stopped" if stopped else state,
        "created": sum(chunk["created"] for chunk in chunks),
        "failed": sum(chunk["failed"] for chunk in chunks),
        "chunks": list(chunks),
    }
