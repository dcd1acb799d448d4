"""Where everything is, for people and for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.demo.cast import PASSWORD, PEOPLE, STAFF, Person
from config.demo.islands import ISLANDS
from config.demo.report import REPORT
from shared_apps.accounts.models import User
from smartmodels.management.output import table
from smartmodels.tenancy.names import primary_host

__all__ = ["as_facts", "as_text"]


def _address(host: str, port: int) -> str:
    return f"http://{host}:{port}/"


def as_facts(folder: Path, port: int) -> dict[str, Any]:
    """Return what there is as plain values: addresses, log-ins, files."""
    open_accounts = set(User.objects.filter(is_active=True).values_list("pk", flat=True))
    people = [person for person in (STAFF, *PEOPLE) if person.key in open_accounts]
    return {
        "public": _address("localhost", port),
        "namespaces": {island.slug: _address(primary_host(island.slug), port) for island in ISLANDS},
        "logins": [_login(person) for person in people],
        "password": PASSWORD,
        "closed": [person.email for person in PEOPLE if person.key not in open_accounts],
        "files": [str(folder / f"{REPORT}.{kind}") for kind in ("csv", "png")],
    }


def _login(person: Person) -> dict[str, Any]:
    roles = {slug: str(role) for slug, role in person.homes.items()}
    return {"email": person.email, "staff": person.is_staff, "roles": roles}


def as_text(facts: dict[str, Any]) -> str:
    """Return the same for people: who logs in where, then what else there is."""
    places = {None: facts["public"], **facts["namespaces"]}
    rows = [
        [address, login["email"], facts["password"], _part(login, slug)]
        for slug, address in places.items()
        for login in facts["logins"]
        if _part(login, slug)
    ]
    lines = [
        table(["ADDRESS", "LOG IN AS", "PASSWORD", "ROLE"], rows, {}),
        "",
        "Each address has /admin/ and /api/docs/, the first one /reports/ as well.",
        "Mean body mass by species and namespace, over all namespaces in one snapshot:",
        *(f"  {_seen_from_here(path)}" for path in facts["files"]),
    ]
    return "\n".join(lines)


def _part(login: dict[str, Any], slug: str | None) -> str:
    """Return the part an account plays in a namespace, or on the public site; empty if none."""
    if slug is None:
        return "staff" if login["staff"] else ""
    return str(login["roles"].get(slug, ""))


def _seen_from_here(path: str) -> str:
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
