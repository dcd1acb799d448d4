"""What state the project and its database are in, as facts that can be printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

from django.contrib.auth import get_user_model
from django.core.checks import WARNING, CheckMessage, run_checks
from django.db import DEFAULT_DB_ALIAS, connection
from django.db import Error as DatabaseTrouble

from smartmodels.conf import Change, GivenSettings, autoconfigure
from smartmodels.context import public_scope
from smartmodels.ownership import sentinel_id
from smartmodels.tenancy.models import State, get_namespace_model

__all__ = ["Diagnosis", "Finding", "diagnose"]

OLDEST, NEWEST = 15, 18
"""The versions of PostgreSQL that the tests are run on."""

_SQL = (("smartmodels.history", "capture.sql"), ("smartmodels.ownership", "owner.sql"))
_FUNCTION = re.compile(r"^CREATE OR REPLACE FUNCTION public\.(\w+)\(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about the database: whether it is as it should be, and what to do if it is not."""

    about: str
    good: bool
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was looked at."""

    changes: tuple[Change, ...]
    messages: tuple[CheckMessage, ...]
    findings: tuple[Finding, ...]

    @property
    def has_grave_messages(self) -> bool:
        """Tell whether a check says more than a warning, or that history is not kept.

        The latter is a warning only because ``migrate``, which may put it right, stops at errors.
        """
        return any(each.is_serious() or str(each.id).startswith("smartmodels.W1") for each in self.messages)

    @property
    def healthy(self) -> bool:
        """Tell whether nothing is wrong; other warnings are no more than that."""
        good = all(finding.good for finding in self.findings)
        return not self.changes and not self.has_grave_messages and good


def diagnose() -> Diagnosis:
    """Look at settings, models and database; what cannot be looked at is a finding, too."""
    with public_scope():
        messages = tuple(message for message in _checked() if message.level >= WARNING)
        return Diagnosis(autoconfigure(GivenSettings()), messages, tuple(_findings()))


def _checked() -> list[CheckMessage]:
    """Return what all checks say; those that ask the database are left out if it cannot be asked."""
    try:
        return run_checks(databases=[DEFAULT_DB_ALIAS])
    except DatabaseTrouble:
        return run_checks()


def _findings() -> Iterator[Finding]:
    for look in _LOOKS:
        try:
            yield look()
        except DatabaseTrouble as error:
            said = " ".join(str(error).split())
            about = look.__name__.strip("_")
            yield Finding(about, False, said, "Check DATABASE_URL, then run `manage.py migrate`.")
            if connection.connection is None:
                return


def _postgresql() -> Finding:
    connection.ensure_connection()
    version = int(cast(Any, connection).pg_version) // 10000
    advice = f"Use PostgreSQL {OLDEST} to {NEWEST}: no other is tested."
    return Finding("postgresql", OLDEST <= version <= NEWEST, str(version), advice)


def functions_needed() -> list[str]:
    """Return the names of the functions that the library's SQL makes in the public schema."""
    texts = (files(package).joinpath(name) for package, name in _SQL)
    return [name for text in texts if text.is_file() for name in _FUNCTION.findall(text.read_text())]


def _functions() -> Finding:
    needed = functions_needed()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
            "AND proname = ANY(%s)",
            [needed],
        )
        there = {name for (name,) in cursor.fetchall()}
    missing = sorted(set(needed) - there)
    found = f"missing: {', '.join(missing)}" if missing else f"{len(needed)} of {len(needed)}"
    return Finding("functions", not missing, found, "Run `manage.py migrate`.")


def _sentinel() -> Finding:
    user = get_user_model()._default_manager.filter(pk=sentinel_id()).first()
    if user is None:
        return Finding("sentinel", False, f"no account {sentinel_id()}", "Run `manage.py migrate`.")
    if user.has_usable_password():
        advice = "Nobody may log in as the sentinel: take its password away."
        return Finding("sentinel", False, "has a password", advice)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prosrc FROM pg_proc WHERE oid = to_regprocedure('public.smartmodels_sentinel()')"
        )
        known = cursor.fetchone()
    if known is not None and str(sentinel_id()) not in known[0]:
        advice = "SMARTMODELS_SENTINEL_UID cannot change any more: set it to what it was."
        return Finding("sentinel", False, "the database was made with another key", advice)
    return Finding("sentinel", True, str(user))


def _namespaces() -> Finding:
    rows = get_namespace_model()._default_manager.order_by("slug").values_list("slug", "state")
    states = dict(rows)
    bad = [f"{slug} ({state})" for slug, state in states.items() if state in (State.FAILED, State.DELETING)]
    advice = "`manage.py namespace show SLUG` tells why; `resume` finishes, `rollback` removes it."
    return Finding("namespaces", not bad, ", ".join(bad) or f"{len(states)}, none of them failed", advice)


_LOOKS: tuple[Callable[[], Finding], ...] = (_postgresql, _functions, _sentinel, _namespaces)
