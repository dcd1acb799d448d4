"""Load field data: once, all or nothing, with its history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import IntegrityError, models, transaction

from smartmodels.exceptions import SmartModelsError
from tenant_apps.research.field_data import Fault, FieldDataInvalid, FieldRecord, read_field_data
from tenant_apps.research.models import Observation, Specimen, Study

__all__ = [
    "Fault",
    "FieldDataConflict",
    "FieldDataInvalid",
    "FieldRecord",
    "LoadReport",
    "load_field_data",
    "read_field_data",
]

Progress = Callable[[int, int], None]
"""Called with the number of rows that are done and of all rows, whenever some more are done."""

_BATCH = 200


class FieldDataConflict(SmartModelsError):
    """Somebody else changed the same studies while they were loaded: nothing was loaded, try again."""

    code: ClassVar[str] = "field-data-conflict"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of the rows of a load, by kind.

    ``present`` were there already, living or deleted, and are as they were; ``left_out`` are new, but
    belong to something that was deleted.
    """

    created: Mapping[str, int]
    present: Mapping[str, int]
    left_out: Mapping[str, int]

    @property
    def changed(self) -> bool:
        """Tell whether anything was loaded."""
        return any(self.created.values())

    def __add__(self, other: LoadReport) -> LoadReport:
        """Return what both loads did together."""
        return LoadReport(
            _sums(self.created, other.created),
            _sums(self.present, other.present),
            _sums(self.left_out, other.left_out),
        )


def _sums(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {kind: one.get(kind, 0) + other.get(kind, 0) for kind in {**one, **other}}


def _silent(_: int, __: int) -> None:
    """Report to nobody."""


def load_field_data(rows: Iterable[FieldRecord], *, progress: Progress = _silent) -> LoadReport:
    """Load records into the bound namespace, all or nothing; what is there already is left alone.

    Rows are known again by study code and island, species and number; neither what people edited nor
    what they deleted since comes back as it was. Raises FieldDataConflict when others load the same
    studies at the same moment, NamespaceNotBound and ActorRequired.
    """
    records = list(rows)
    try:
        with transaction.atomic():
            return _Load(records, progress).run()
    except IntegrityError as error:
        raise FieldDataConflict(
            "Somebody else loaded or changed the same studies at this moment: nothing was loaded. Try again."
        ) from error


class _Load:
    """One load: what there is, what is missing, and how far it got."""

    def __init__(self, records: list[FieldRecord], progress: Progress) -> None:
        self._records = records
        self._progress = progress
        self._done = 0
        self._wanted = {record.study_key: record for record in records}
        self._total = len(self._wanted) + 2 * len(records)
        self._created: dict[str, int] = {}
        self._present: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def run(self) -> LoadReport:
        """Add the studies, then their specimens, then what was observed on them."""
        studies = self._studies()
        self._observations(self._specimens(studies))
        return LoadReport(self._created, self._present, self._left_out)

    def _studies(self) -> dict[Any, Any]:
        codes = {code for code, _ in self._wanted}
        found = Study.all_objects.filter(code__in=codes)
        known = _known(found, "code", "island")
        missing = [Study(**record.study) for key, record in self._wanted.items() if key not in known]
        self._insert(Study, missing, len(self._wanted) - len(missing), len(self._wanted))
        return known | {(row.code, row.island): (row.pk, True) for row in missing}

    def _specimens(self, studies: dict[Any, Any]) -> dict[Any, Any]:
        found = Specimen.all_objects.filter(study__in=[key for key, _ in studies.values()])
        known = _known(found, "study_id", "species", "number")
        specimens: dict[Any, Any] = {}
        missing, present = [], 0
        for record in self._records:
            study, alive = studies[record.study_key]
            key = (study, record.specimen["species"], record.specimen["number"])
            if key in known:
                specimens[record.line] = known[key]
                present += 1
            elif alive:
                missing.append(Specimen(study_id=study, **record.specimen))
                specimens[record.line] = (missing[-1].pk, True)
        self._insert(Specimen, missing, present, len(self._records))
        return specimens

    def _observations(self, specimens: dict[Any, Any]) -> None:
        found = Observation.all_objects.filter(specimen__in=[key for key, _ in specimens.values()])
        known = set(found.values_list("specimen_id", flat=True))
        missing, present = [], 0
        for record in self._records:
            specimen, alive = specimens.get(record.line, (None, False))
            if specimen in known:
                present += 1
            elif alive:
                missing.append(Observation(specimen_id=specimen, **record.observation))
        self._insert(Observation, missing, present, len(self._records))

    def _insert(self, model: Any, missing: list[Any], present: int, wanted: int) -> None:
        name = str(model._meta.verbose_name_plural)
        self._created[name], self._present[name] = len(missing), present
        self._left_out[name] = wanted - len(missing) - present
        self._report(wanted - len(missing))
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            model.objects.bulk_create(batch)
            self._report(len(batch))

    def _report(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, self._total)


def _known(rows: models.QuerySet[Any], *names: str) -> dict[Any, Any]:
    """Return what there is: key -> (primary key, alive); a living row hides a deleted one of its key."""
    listed = rows.values_list("pk", "deleted_at", *names)
    return {
        tuple(key): (pk, deleted_at is None)
        for pk, deleted_at, *key in sorted(listed, key=lambda row: row[1] is None)
    }
