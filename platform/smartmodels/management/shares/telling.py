"""How ``manage.py share`` shows grants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smartmodels.management.output import table
from smartmodels.sharing import get_grant_model, status_of

__all__ = ["as_data", "as_table", "known_grants"]

_HEADERS = ("GRANT", "FROM", "TO", "MODEL", "ROW", "LABEL", "ROLE", "STATUS", "EXPIRES")


def known_grants() -> Any:
    """Return all grants with what is shown of them."""
    return get_grant_model().objects.select_related("resource", "home", "target", "passer")


def as_data(grant: Any) -> dict[str, Any]:
    """Return a grant as JSON shows it; a target that no namespace has is the name it was offered to."""
    return {
        "id": grant.pk,
        "home": grant.home.slug,
        "target": grant.target.slug if grant.target is not None else grant.target_slug,
        "reaches": grant.target is not None or grant.user_id is not None,
        "passed_by": grant.passer.slug if grant.passer is not None else None,
        "model": grant.model,
        "row": grant.row_id,
        "label": grant.resource.label,
        "role": grant.role,
        "cause": grant.cause,
        "status": str(status_of(grant)),
        "expires_at": grant.expires_at,
        "copied_at": grant.copied_at,
    }


def as_table(grants: Sequence[Any]) -> str:
    """Return grants as a table."""
    cells = [
        [
            str(grant.pk), row["home"], row["target"], row["model"], str(row["row"]), row["label"][:40],
            row["role"], row["status"], f"{grant.expires_at:%Y-%m-%d %H:%M}" if grant.expires_at else "-",
        ]
        for grant, row in ((grant, as_data(grant)) for grant in grants)
    ]  # fmt: skip
    return table(_HEADERS, cells, {}) if cells else "There are no such grants."
