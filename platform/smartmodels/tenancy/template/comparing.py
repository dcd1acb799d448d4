"""Say how a schema differs from what the code's migrations make."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from smartmodels.context import public_scope
from smartmodels.tenancy.template.catalogue import Definitions, definitions
from smartmodels.tenancy.template.errors import TemplateUnusable
from smartmodels.tenancy.template.fingerprints import code_state
from smartmodels.tenancy.template.models import get_template_model
from smartmodels.tenancy.template.proving import differing
from smartmodels.tenancy.template.refreshing import current_template

__all__ = ["Difference", "compare", "differences_of", "template_definitions"]

_ORDER = "order of columns "


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a schema lacks, has in addition, or has in another form than the template."""

    what: str
    problem: str
    wanted: str | None
    found: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by their names."""
        return asdict(self)


def template_definitions() -> Definitions:
    """Return what the code's migrations make; raise TemplateUnusable if the template cannot be recorded."""
    with public_scope():
        if current_template() is None:
            template = get_template_model().objects.get(fingerprint=code_state().fingerprint)
            raise TemplateUnusable(
                f"There is no template to compare with: {template.error} "
                "Repair the cause, then run `manage.py namespace template --refresh`."
            )
        row = get_template_model().objects.filter(fingerprint=code_state().fingerprint)
        known: Definitions = row.values_list("definitions", flat=True).get()
        return known


def compare(wanted: Definitions, found: Definitions) -> list[Difference]:
    """Return every difference, in alphabetical order of what differs.

    What belongs to a table that is missing or extra is not named again, nor the order of columns where
    columns are missing or extra.
    """
    names = differing(wanted, found)
    whole = {name.removeprefix("table ") for name in names if name.startswith("table ")}
    whole = {table for table in whole if f"table {table}" not in wanted or f"table {table}" not in found}
    ragged = {_table(name) for name in names if name.startswith("column ")}
    made = []
    for name in names:
        table = _table(name)
        if table in whole and not name.startswith("table "):
            continue
        if (
            name.startswith(_ORDER)
            and table in ragged
            and set(_columns(wanted, name)) != set(_columns(found, name))
        ):
            continue
        made.append(_difference(name, wanted.get(name), found.get(name)))
    return made


def _table(name: str) -> str:
    if name.startswith(_ORDER):
        return name.removeprefix(_ORDER)
    return name.partition(" ")[2].partition(".")[0]


def _columns(known: Definitions, name: str) -> list[str]:
    return known.get(name, "").split(", ")


def _difference(name: str, wanted: str | None, found: str | None) -> Difference:
    problem = "missing" if found is None else "extra" if wanted is None else "other"
    return Difference(name, problem, wanted, found)


def differences_of(schema: str) -> list[Difference]:
    """Return how the schema differs from the template; raise NamespaceFailed if there is no such schema."""
    with public_scope():
        return compare(template_definitions(), definitions(schema))
